package bigjson_test

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/bigjson"
)

// A request as it goes to /run: {"input": {...}} with arrays in base64.
type body struct {
	Input  any            `json:"input"`
	Policy map[string]any `json:"policy"`
}

type input struct {
	Operation string `json:"operation"`
	Tensors   struct {
		Codec string `json:"codec"`
		Data  string `json:"data"`
	} `json:"tensors"`
}

func benchMatrix() *mat.Dense {
	const n = 1000
	data := make([]float64, n*n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = r.NormFloat64()
	}
	return mat.NewDense(n, n, data)
}

func encode(b *testing.B, m *mat.Dense) bigjson.Segments {
	x, err := tensors.From(m)
	if err != nil {
		b.Fatal(err)
	}
	in := input{Operation: "train"}
	in.Tensors.Codec = tensors.CodecMsgpack
	if in.Tensors.Data, err = tensors.EncodeSet(tensors.Set{"X": x}, in.Tensors.Codec); err != nil {
		b.Fatal(err)
	}
	s, err := bigjson.Marshal(body{Input: in, Policy: map[string]any{"ttl": 60000}})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// From a matrix to the bytes of a request, 8 MB of float64.
func BenchmarkRequestEncode(b *testing.B) {
	m := benchMatrix()
	b.SetBytes(8e6)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(b, m).WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// From the bytes of a request to a matrix, the input decoded in a second step as
// an endpoint does.
func BenchmarkRequestDecode(b *testing.B) {
	doc := encode(b, benchMatrix()).Bytes()
	b.SetBytes(8e6)
	b.ReportAllocs()
	for b.Loop() {
		var outer struct {
			Input json.RawMessage `json:"input"`
		}
		if err := bigjson.Unmarshal(doc, &outer); err != nil {
			b.Fatal(err)
		}
		var in input
		if err := (bigjson.Options{DisallowUnknownFields: true}).Unmarshal(outer.Input, &in); err != nil {
			b.Fatal(err)
		}
		s, err := tensors.DecodeSet(in.Tensors.Codec, in.Tensors.Data, 0)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s["X"].Dense(); err != nil {
			b.Fatal(err)
		}
	}
}
