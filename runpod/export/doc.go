// Package export writes trained models for programs that know nothing of us. It
// writes only; nothing of it reads what a stranger made.
//
//	format.go   the formats, by name and by a file's ending
//	plan.go     the layers with their sizes and weights; sliding windows
//	pytorch.go  .pt, a state_dict for torch.load(weights_only=True)
//	onnx.go     .onnx, the layers as ONNX's operators: onnx_layers.go, onnx_sequence.go;
//	            onnx_proto.go: the encoding
//	gocode.go   .go, a source file that predicts with Go's standard library alone;
//	            gocode_layers.go: the code of each layer
//	gocode/     the functions that such a file takes with it
//
// A model predicts here as after PyTorch's eval(): dropout does nothing, batch norm
// uses its running figures. Outputs are those of train.Model.Predict: for
// cross_entropy scores before softmax.
//
//	m := &export.Model{Config: config, Input: []int{4}, State: state}
//	b, err := export.Encode(m, export.ONNX)
package export
