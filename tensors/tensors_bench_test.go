package tensors

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// benchSides are the sides of square float64 matrices of 72 kB, 8 MB and 72 MB.
var benchSides = []int{96, 1000, 3000}

func matrix(n int) *mat.Dense {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]float64, n*n)
	for i := range data {
		data[i] = r.NormFloat64()
	}
	return mat.NewDense(n, n, data)
}

func encodeMatrix(b *testing.B, m *mat.Dense, codec string) string {
	x, err := From(m)
	if err != nil {
		b.Fatal(err)
	}
	text, err := EncodeSet(Set{"X": x}, codec)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// From a matrix to base64.
func BenchmarkEncode(b *testing.B) {
	for _, codec := range []string{CodecMsgpack, CodecMsgpackZstd} {
		for _, n := range benchSides {
			b.Run(fmt.Sprintf("%s/%d", codec, n), func(b *testing.B) {
				m := matrix(n)
				b.SetBytes(int64(n * n * 8))
				b.ReportAllocs()
				for b.Loop() {
					encodeMatrix(b, m, codec)
				}
			})
		}
	}
}

// From base64 to a matrix.
func BenchmarkDecode(b *testing.B) {
	for _, codec := range []string{CodecMsgpack, CodecMsgpackZstd} {
		for _, n := range benchSides {
			b.Run(fmt.Sprintf("%s/%d", codec, n), func(b *testing.B) {
				text := encodeMatrix(b, matrix(n), codec)
				b.SetBytes(int64(n * n * 8))
				b.ReportAllocs()
				for b.Loop() {
					s, err := DecodeSet(codec, text, 0)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := s["X"].Dense(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkCheckFinite(b *testing.B) {
	x, err := From(matrix(1000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(x.Data)))
	for b.Loop() {
		if err := x.CheckFinite(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToFloat32(b *testing.B) {
	x, err := From(matrix(1000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(x.Data)))
	for b.Loop() {
		if _, err := x.To(Float32); err != nil {
			b.Fatal(err)
		}
	}
}
