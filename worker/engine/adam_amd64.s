#include "textflag.h"

// func adamAVX2(n8 int, w, grad, m, v *float32, c *adamConstants)
// One step of Adam for 8*n8 numbers. Products are rounded before they are added,
// as in the portable code, so no FMA is used.
TEXT ·adamAVX2(SB), NOSPLIT, $0-48
	MOVQ n8+0(FP), CX
	MOVQ w+8(FP), DI
	MOVQ grad+16(FP), SI
	MOVQ m+24(FP), R8
	MOVQ v+32(FP), R9
	MOVQ c+40(FP), AX
	VBROADCASTSS 0(AX), Y4   // beta1
	VBROADCASTSS 4(AX), Y5   // rest1
	VBROADCASTSS 8(AX), Y6   // beta2
	VBROADCASTSS 12(AX), Y7  // rest2
	VBROADCASTSS 16(AX), Y8  // correction2
	VBROADCASTSS 20(AX), Y9  // eps
	VBROADCASTSS 24(AX), Y10 // size
	VBROADCASTSS 28(AX), Y11 // shrink
	VBROADCASTSS 32(AX), Y12 // l2
	TESTQ CX, CX
	JZ    done

loop:
	VMULPS  (DI), Y11, Y0    // x = w*shrink
	VMULPS  Y0, Y12, Y1
	VADDPS  (SI), Y1, Y1     // d = g + l2*x
	VMULPS  (R8), Y4, Y2
	VMULPS  Y1, Y5, Y3
	VADDPS  Y3, Y2, Y2       // m
	VMOVUPS Y2, (R8)
	VMULPS  Y1, Y1, Y1
	VMULPS  Y1, Y7, Y1
	VMULPS  (R9), Y6, Y3
	VADDPS  Y1, Y3, Y3       // v
	VMOVUPS Y3, (R9)
	VSQRTPS Y3, Y3
	VDIVPS  Y8, Y3, Y3
	VADDPS  Y9, Y3, Y3       // root
	VDIVPS  Y3, Y2, Y2
	VMULPS  Y2, Y10, Y2
	VSUBPS  Y2, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ $32, R9
	DECQ CX
	JNZ  loop

done:
	VZEROUPPER
	RET
