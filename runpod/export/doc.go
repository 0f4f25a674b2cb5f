// Package export writes trained models for other programs. It only writes files; it reads
// none, so that it never has to parse untrusted ones.
//
//	format.go   the formats, by name and by file extension
//	plan.go     the layers with their sizes and weights; sliding windows
//	pytorch.go  .pt, a state_dict for torch.load(weights_only=True)
//	onnx.go     .onnx, the layers as ONNX's operators: onnx_layers.go, onnx_sequence.go;
//	            onnx_proto.go: the encoding
//	gocode.go   .go, a source file that predicts with Go's standard library alone;
//	            gocode_layers.go: the code of each layer
//	gocode/     the functions that are copied into such a file
//
// An exported model predicts like one after PyTorch's eval(): dropout does nothing, and
// batch norm uses its running statistics. Outputs are those of train.Model.Predict: for
// cross_entropy, scores before softmax.
//
//	m := &export.Model{Config: config, Input: []int{4}, State: state}
//	b, err := export.Encode(m, export.ONNX)
package export
