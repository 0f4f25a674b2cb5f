package export

import (
	"encoding/binary"
	"math"
)

// A message is an encoded protobuf message. The numbers of fields and enumerations are from
// onnx/onnx.proto. maxONNX keeps messages below protobuf's limit of 2 GB.
type message []byte

func (m *message) number(field int, v int64) {
	*m = binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field)<<3), uint64(v))
}

func (m *message) bytes(field int, b []byte) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|2)
	*m = append(binary.AppendUvarint(*m, uint64(len(b))), b...)
}

func (m *message) text(field int, s string) { m.bytes(field, []byte(s)) }

func (m *message) float(field int, f float32) {
	*m = binary.LittleEndian.AppendUint32(binary.AppendUvarint(*m, uint64(field)<<3|5), math.Float32bits(f))
}

// An attr is an attribute of a node: int, []int, float64 or string.
type attr struct {
	name  string
	value any
}

func (a attr) message() (m message) {
	const float, integer, text, ints, texts = 1, 2, 3, 7, 8 // AttributeProto.AttributeType
	m.text(1, a.name)
	switch v := a.value.(type) {
	case int:
		m.number(3, int64(v))
		m.number(20, integer)
	case float64:
		m.float(2, float32(v))
		m.number(20, float)
	case string:
		m.text(4, v)
		m.number(20, text)
	case []int:
		for _, n := range v {
			m.number(8, int64(n))
		}
		m.number(20, ints)
	case []string:
		for _, s := range v {
			m.text(9, s)
		}
		m.number(20, texts)
	default:
		panic("export: an attribute of another type")
	}
	return m
}

// Data types of TensorProto.
const (
	onnxFloat = 1
	onnxInt64 = 7
)

func tensorProto(name string, kind int, shape []int, data []byte) (m message) {
	for _, n := range shape {
		m.number(1, int64(n))
	}
	m.number(2, int64(kind))
	m.text(8, name)
	m.bytes(9, data)
	return m
}

// valueInfo describes an input or output: float32, any number of samples.
func valueInfo(name string, sample []int) (m message) {
	var shape, batch message
	batch.text(2, "batch")
	shape.bytes(1, batch)
	for _, n := range sample {
		var dim message
		dim.number(1, int64(n))
		shape.bytes(1, dim)
	}
	var tensor, kind message
	tensor.number(1, onnxFloat)
	tensor.bytes(2, shape)
	kind.bytes(1, tensor)
	m.text(1, name)
	m.bytes(2, kind)
	return m
}
