// Package sgemm multiplies float32 matrices. On processors with AVX2 and FMA it
// is several times as fast as gonum's portable code; on others it calls gonum.
//
// It uses the classic scheme. C is cut into tiles of 6 by 16, which stay in registers
// during the loop over k. A and B are copied into panels for these tiles, in blocks
// that fit the caches. The order of the sum for each number of C depends only on k, so
// the result is the same, bit for bit, however the work is divided.
//
//	sgemm.go            blocking, packing, division of work
//	kernel_amd64.s      the tile, and the transposing copy, with AVX2; kernel_amd64.go
//	                    declares them
//	kernel_other.go     stubs for other processors
package sgemm

import (
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

const (
	mr, nr = 6, 16 // the tile
	// Block sizes: a panel of B (kc*nr*4 = 16 KB) for the L1 cache, a block of A
	// (96 KB) and one of B (512 KB) for L2.
	mc, kc, nc = 96, 256, 512
	// Products of at most small multiplications are not worth packing. A thread is
	// worth parallel multiplications.
	small    = 8 * 1024
	parallel = 1 << 20 // multiplications for each thread
)

// BLAS has the Sgemm of gonum's blas.Float32Level3. Its zero value uses all
// processors; it may be used by several goroutines at once.
type BLAS struct {
	Serial bool // stay on the calling goroutine
}

var _ interface {
	Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int)
} = BLAS{}

// Sgemm computes C = alpha op(A) op(B) + beta C for row-major matrices. The fast
// path takes alpha 1 and beta 0 or 1; other values go to gonum. Like gonum it
// panics if a slice is too short.
func (s BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if alpha != 1 || (beta != 0 && beta != 1) || k == 0 || (!Fast() && m*n*k > small) {
		gonum.Implementation{}.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	p := product{a: a, b: b, c: c, lda: lda, ldb: ldb, ldc: ldc, k: k, add: beta == 1, tA: tA != blas.NoTrans, tB: tB != blas.NoTrans}
	p.check(m, n)
	switch threads := min(runtime.GOMAXPROCS(0), m*n*k/parallel); {
	case m*n*k <= small:
		p.plain(m, n)
	case s.Serial || threads < 2:
		p.block(0, m, 0, n)
	default:
		p.divide(m, n, threads)
	}
}

// A product computes C = op(A) op(B), or C += op(A) op(B) if add is set.
type product struct {
	a, b, c       []float32
	lda, ldb, ldc int
	k             int
	add, tA, tB   bool
}

// check panics if a slice is shorter than its matrix, because the assembly code
// does not check bounds.
func (p *product) check(m, n int) {
	need := func(rows, cols, ld, have int) {
		if ld < cols || have < (rows-1)*ld+cols {
			panic("sgemm: slice too short")
		}
	}
	if p.tA {
		need(p.k, m, p.lda, len(p.a))
	} else {
		need(m, p.k, p.lda, len(p.a))
	}
	if p.tB {
		need(n, p.k, p.ldb, len(p.b))
	} else {
		need(p.k, n, p.ldb, len(p.b))
	}
	need(m, n, p.ldc, len(p.c))
}

// divide cuts C into roughly threads rectangles and computes each in its own
// goroutine.
func (p *product) divide(m, n, threads int) {
	rows, cols := 1, 1
	for rows*cols < threads {
		if m/rows >= 2*mr && (m/rows >= n/cols || n/cols < 2*nr) {
			rows *= 2
		} else if n/cols >= 2*nr {
			cols *= 2
		} else {
			break
		}
	}
	high, wide := roundUp((m+rows-1)/rows, mr), roundUp((n+cols-1)/cols, nr)
	var wait sync.WaitGroup
	for i := 0; i < m; i += high {
		for j := 0; j < n; j += wide {
			if i+high >= m && j+wide >= n {
				p.block(i, m, j, n)
				continue
			}
			wait.Go(func() { p.block(i, min(i+high, m), j, min(j+wide, n)) })
		}
	}
	wait.Wait()
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// A workspace holds the packed blocks and a tile for the edges.
type workspace struct {
	a    [mc * kc]float32
	b    [nc * kc]float32
	tile [mr * nr]float32
}

// workspaces are reused between products; their contents never affect a result.
var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// block computes rows i0 to i1 and columns j0 to j1 of C.
func (p *product) block(i0, i1, j0, j1 int) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	for j := j0; j < j1; j += nc {
		jn := min(nc, j1-j)
		for q := 0; q < p.k; q += kc {
			qn := min(kc, p.k-q)
			p.packB(w.b[:], q, qn, j, jn)
			for i := i0; i < i1; i += mc {
				in := min(mc, i1-i)
				p.packA(w.a[:], i, in, q, qn)
				p.tiles(w, i, in, j, jn, qn, p.add || q > 0)
			}
		}
	}
}

// tiles multiplies the packed blocks.
func (p *product) tiles(w *workspace, i, in, j, jn, qn int, add bool) {
	for y := 0; y < jn; y += nr {
		b := &w.b[y*qn]
		for x := 0; x < in; x += mr {
			a := &w.a[x*qn]
			at := (i+x)*p.ldc + j + y
			if x+mr <= in && y+nr <= jn {
				kernelAVX2(qn, a, b, &p.c[at], p.ldc, add)
				continue
			}
			kernelAVX2(qn, a, b, &w.tile[0], nr, false)
			p.edge(w, at, min(mr, in-x), min(nr, jn-y), add)
		}
	}
}

// edge copies or adds the part of the tile that is within C.
func (p *product) edge(w *workspace, at, rows, cols int, add bool) {
	for r := range rows {
		c := p.c[at+r*p.ldc:][:cols]
		t := w.tile[r*nr:][:cols]
		if !add {
			copy(c, t)
			continue
		}
		for i, v := range t {
			c[i] += v
		}
	}
}

// packA writes rows i to i+in, columns q to q+qn of op(A) as panels of mr rows,
// each column by column; missing rows are zeros.
func (p *product) packA(dst []float32, i, in, q, qn int) {
	for x := 0; x < in; x += mr {
		panel := dst[x*qn:][:mr*qn]
		rows := min(mr, in-x)
		if rows < mr {
			clear(panel)
		}
		switch {
		case p.tA && rows == mr:
			for k := range qn {
				src, d := p.a[(q+k)*p.lda+i+x:][:mr:mr], panel[k*mr:][:mr:mr]
				d[0], d[1], d[2], d[3], d[4], d[5] = src[0], src[1], src[2], src[3], src[4], src[5]
			}
		case p.tA:
			for k := range qn {
				src := p.a[(q+k)*p.lda+i+x:][:rows]
				copy(panel[k*mr:k*mr+mr], src)
			}
		case rows == mr:
			interleave6(panel, p.a[(i+x)*p.lda+q:], p.lda, qn)
		default:
			for r := range rows {
				for k, v := range p.a[(i+x+r)*p.lda+q:][:qn] {
					panel[k*mr+r] = v
				}
			}
		}
	}
}

func interleave6(dst, src []float32, ld, n int) {
	r0, r1, r2 := src[:n], src[ld:][:n], src[2*ld:][:n]
	r3, r4, r5 := src[3*ld:][:n], src[4*ld:][:n], src[5*ld:][:n]
	for k, v := range r0 {
		d := dst[:6:6]
		dst = dst[6:]
		d[0], d[1], d[2], d[3], d[4], d[5] = v, r1[k], r2[k], r3[k], r4[k], r5[k]
	}
}

// packB writes rows q to q+qn, columns j to j+jn of op(B) as panels of nr
// columns, each row by row; missing columns are zeros.
func (p *product) packB(dst []float32, q, qn, j, jn int) {
	for y := 0; y < jn; y += nr {
		panel := dst[y*qn:][:nr*qn]
		cols := min(nr, jn-y)
		if cols < nr {
			clear(panel)
		}
		switch {
		case !p.tB && cols == nr:
			copy16AVX2(qn, &p.b[q*p.ldb+j+y], p.ldb, &panel[0])
		case !p.tB:
			for k := range qn {
				copy(panel[k*nr:], p.b[(q+k)*p.ldb+j+y:][:cols])
			}
		case cols == nr:
			p.transpose(panel, (j+y)*p.ldb+q, qn)
		default:
			for c := range cols {
				for k, v := range p.b[(j+y+c)*p.ldb+q:][:qn] {
					panel[k*nr+c] = v
				}
			}
		}
	}
}

// transpose packs 16 rows of B, starting at p.b[at], as columns.
func (p *product) transpose(panel []float32, at, qn int) {
	even := qn &^ 7
	if even > 0 {
		pack16AVX2(even/8, &p.b[at], p.ldb, &panel[0])
	}
	for k := even; k < qn; k++ {
		for c := range nr {
			panel[k*nr+c] = p.b[at+c*p.ldb+k]
		}
	}
}

// plain computes the product without blocks, for small matrices.
func (p *product) plain(m, n int) {
	row, col := p.lda, 1 // distances in op(A)
	if p.tA {
		row, col = 1, p.lda
	}
	for i := range m {
		c := p.c[i*p.ldc:][:n]
		if !p.add {
			clear(c)
		}
		if p.tB {
			p.dots(c, p.a[i*row:], col)
		} else {
			p.axpys(c, p.a[i*row:], col)
		}
	}
}

// axpys adds to c the rows of B, each times its number in a. The numbers of a
// are col apart.
func (p *product) axpys(c, a []float32, col int) {
	for q, at := 0, 0; q < p.k; q, at = q+1, at+col {
		v, b := a[at], p.b[q*p.ldb:][:len(c)]
		for j, w := range b {
			c[j] += v * w
		}
	}
}

// dots adds to c the dot products of a with the rows of B. The numbers of a are
// col apart.
func (p *product) dots(c, a []float32, col int) {
	for j := range c {
		var sum float32
		at := 0
		for _, w := range p.b[j*p.ldb:][:p.k] {
			sum += a[at] * w
			at += col
		}
		c[j] += sum
	}
}
