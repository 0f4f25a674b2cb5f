#include "textflag.h"

// func reluAVX2(n8 int, y, x *float32)
// y = max(x, 0) for 8*n8 numbers. For NaN, VMAXPS returns its second source, so
// NaN stays; adding 0 turns -0 into 0.
TEXT ·reluAVX2(SB), NOSPLIT, $0-24
	MOVQ n8+0(FP), CX
	MOVQ y+8(FP), DI
	MOVQ x+16(FP), SI
	VXORPS Y0, Y0, Y0
	TESTQ CX, CX
	JZ    done

loop:
	VMAXPS  (SI), Y0, Y1
	VADDPS  Y0, Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET

// func reluSlopeAVX2(n8 int, dy, y *float32)
// dy = dy if y is not 0, else 0; y is 0 or more, or NaN.
TEXT ·reluSlopeAVX2(SB), NOSPLIT, $0-24
	MOVQ n8+0(FP), CX
	MOVQ dy+8(FP), DI
	MOVQ y+16(FP), SI
	VXORPS Y0, Y0, Y0
	TESTQ CX, CX
	JZ    done

loop:
	VCMPPS  $4, (SI), Y0, Y1 // not equal, or NaN
	VANDPS  (DI), Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET

// func addAVX2(n8 int, sums, x *float32)
// sums += x for 8*n8 numbers.
TEXT ·addAVX2(SB), NOSPLIT, $0-24
	MOVQ n8+0(FP), CX
	MOVQ sums+8(FP), DI
	MOVQ x+16(FP), SI
	TESTQ CX, CX
	JZ    done

loop:
	VMOVUPS (DI), Y0
	VADDPS  (SI), Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET
