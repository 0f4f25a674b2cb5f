#include "textflag.h"

// One step of k: two vectors of B, six numbers of A, twelve products. The
// accumulators are Y4 to Y15, row r in Y(4+2r) and Y(5+2r).
#define STEP(aoff, boff) \
	VMOVUPS (boff)(DI), Y0; \
	VMOVUPS (boff+32)(DI), Y1; \
	VBROADCASTSS (aoff)(SI), Y2; \
	VBROADCASTSS (aoff+4)(SI), Y3; \
	VFMADD231PS Y0, Y2, Y4; \
	VFMADD231PS Y1, Y2, Y5; \
	VFMADD231PS Y0, Y3, Y6; \
	VFMADD231PS Y1, Y3, Y7; \
	VBROADCASTSS (aoff+8)(SI), Y2; \
	VBROADCASTSS (aoff+12)(SI), Y3; \
	VFMADD231PS Y0, Y2, Y8; \
	VFMADD231PS Y1, Y2, Y9; \
	VFMADD231PS Y0, Y3, Y10; \
	VFMADD231PS Y1, Y3, Y11; \
	VBROADCASTSS (aoff+16)(SI), Y2; \
	VBROADCASTSS (aoff+20)(SI), Y3; \
	VFMADD231PS Y0, Y2, Y12; \
	VFMADD231PS Y1, Y2, Y13; \
	VFMADD231PS Y0, Y3, Y14; \
	VFMADD231PS Y1, Y3, Y15

// One row of C: ADDROW adds the row to what C contains, SETROW overwrites it.
#define ADDROW(lo, hi) \
	VADDPS (DX), lo, lo; \
	VADDPS 32(DX), hi, hi; \
	VMOVUPS lo, (DX); \
	VMOVUPS hi, 32(DX); \
	ADDQ R8, DX

#define SETROW(lo, hi) \
	VMOVUPS lo, (DX); \
	VMOVUPS hi, 32(DX); \
	ADDQ R8, DX

// func kernelAVX2(k int, a, b, c *float32, ldc int, add bool)
TEXT ·kernelAVX2(SB), NOSPLIT, $0-41
	MOVQ k+0(FP), CX
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DI
	MOVQ c+24(FP), DX
	MOVQ ldc+32(FP), R8
	SHLQ $2, R8
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
	VXORPS Y12, Y12, Y12
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
	VXORPS Y15, Y15, Y15
	MOVQ CX, BX
	SHRQ $2, BX
	JZ   rest

four:
	PREFETCHT0 512(DI)
	STEP(0, 0)
	STEP(24, 64)
	PREFETCHT0 640(DI)
	STEP(48, 128)
	STEP(72, 192)
	ADDQ $96, SI
	ADDQ $256, DI
	DECQ BX
	JNZ  four

rest:
	ANDQ $3, CX
	JZ   store

one:
	STEP(0, 0)
	ADDQ $24, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  one

store:
	MOVBLZX add+40(FP), AX
	TESTL   AX, AX
	JZ      set
	ADDROW(Y4, Y5)
	ADDROW(Y6, Y7)
	ADDROW(Y8, Y9)
	ADDROW(Y10, Y11)
	ADDROW(Y12, Y13)
	ADDROW(Y14, Y15)
	VZEROUPPER
	RET

set:
	SETROW(Y4, Y5)
	SETROW(Y6, Y7)
	SETROW(Y8, Y9)
	SETROW(Y10, Y11)
	SETROW(Y12, Y13)
	SETROW(Y14, Y15)
	VZEROUPPER
	RET

// Eight rows of eight floats from R9 (stride R8 bytes), transposed, to DI with
// stride 64 bytes.
#define TRANSPOSE8(dst) \
	VMOVUPS (R9), Y0; \
	VMOVUPS (R9)(R8*1), Y1; \
	VMOVUPS (R9)(R8*2), Y2; \
	VMOVUPS (R9)(R10*1), Y3; \
	LEAQ    (R9)(R8*4), R11; \
	VMOVUPS (R11), Y4; \
	VMOVUPS (R11)(R8*1), Y5; \
	VMOVUPS (R11)(R8*2), Y6; \
	VMOVUPS (R11)(R10*1), Y7; \
	VUNPCKLPS Y1, Y0, Y8; \
	VUNPCKHPS Y1, Y0, Y9; \
	VUNPCKLPS Y3, Y2, Y10; \
	VUNPCKHPS Y3, Y2, Y11; \
	VUNPCKLPS Y5, Y4, Y12; \
	VUNPCKHPS Y5, Y4, Y13; \
	VUNPCKLPS Y7, Y6, Y14; \
	VUNPCKHPS Y7, Y6, Y15; \
	VUNPCKLPD Y10, Y8, Y0; \
	VUNPCKHPD Y10, Y8, Y1; \
	VUNPCKLPD Y11, Y9, Y2; \
	VUNPCKHPD Y11, Y9, Y3; \
	VUNPCKLPD Y14, Y12, Y4; \
	VUNPCKHPD Y14, Y12, Y5; \
	VUNPCKLPD Y15, Y13, Y6; \
	VUNPCKHPD Y15, Y13, Y7; \
	VPERM2F128 $0x20, Y4, Y0, Y8; \
	VPERM2F128 $0x20, Y5, Y1, Y9; \
	VPERM2F128 $0x20, Y6, Y2, Y10; \
	VPERM2F128 $0x20, Y7, Y3, Y11; \
	VPERM2F128 $0x31, Y4, Y0, Y12; \
	VPERM2F128 $0x31, Y5, Y1, Y13; \
	VPERM2F128 $0x31, Y6, Y2, Y14; \
	VPERM2F128 $0x31, Y7, Y3, Y15; \
	VMOVUPS Y8, (dst)(DI); \
	VMOVUPS Y9, (dst+64)(DI); \
	VMOVUPS Y10, (dst+128)(DI); \
	VMOVUPS Y11, (dst+192)(DI); \
	VMOVUPS Y12, (dst+256)(DI); \
	VMOVUPS Y13, (dst+320)(DI); \
	VMOVUPS Y14, (dst+384)(DI); \
	VMOVUPS Y15, (dst+448)(DI)

// func pack16AVX2(k8 int, src *float32, ld int, dst *float32)
// Turns 16 rows of 8*k8 floats into 8*k8 rows of 16.
TEXT ·pack16AVX2(SB), NOSPLIT, $0-32
	MOVQ k8+0(FP), CX
	MOVQ src+8(FP), SI
	MOVQ ld+16(FP), R8
	MOVQ dst+24(FP), DI
	SHLQ $2, R8
	LEAQ (R8)(R8*2), R10
	TESTQ CX, CX
	JZ   done

block:
	MOVQ SI, R9
	TRANSPOSE8(0)
	LEAQ (SI)(R8*8), R9
	TRANSPOSE8(32)
	ADDQ $32, SI
	ADDQ $512, DI
	DECQ CX
	JNZ  block

done:
	VZEROUPPER
	RET

// func copy16AVX2(k int, src *float32, ld int, dst *float32)
// Copies k rows of 16 floats, ld apart, so that they are contiguous.
TEXT ·copy16AVX2(SB), NOSPLIT, $0-32
	MOVQ k+0(FP), CX
	MOVQ src+8(FP), SI
	MOVQ ld+16(FP), R8
	MOVQ dst+24(FP), DI
	SHLQ $2, R8
	TESTQ CX, CX
	JZ    copied

row:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ R8, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  row

copied:
	VZEROUPPER
	RET
