package tensors

// A DType is the type of a tensor's elements. The zero value is no type.
type DType uint8

// The dtypes that travel, ordered as in the safetensors library, which lays out
// tensors by alignment: a wider alignment has a higher number.
const (
	Bool DType = iota + 1 // one byte, 0 or 1
	Uint8
	Int8
	Int16
	Float16  // IEEE 754 binary16
	BFloat16 // the upper half of a float32
	Int32
	Float32
	Float64
	Int64
)

// dtypes is indexed by DType. It must not change.
var dtypes = [...]struct {
	name, safetensors string
	size              int
}{
	Bool:     {"bool", "BOOL", 1},
	Uint8:    {"uint8", "U8", 1},
	Int8:     {"int8", "I8", 1},
	Int16:    {"int16", "I16", 2},
	Float16:  {"float16", "F16", 2},
	BFloat16: {"bfloat16", "BF16", 2},
	Int32:    {"int32", "I32", 4},
	Float32:  {"float32", "F32", 4},
	Float64:  {"float64", "F64", 8},
	Int64:    {"int64", "I64", 8},
}

func (d DType) valid() bool { return d >= Bool && int(d) < len(dtypes) }

// Size returns the number of bytes of one element, or 0 for no dtype.
func (d DType) Size() int {
	if !d.valid() {
		return 0
	}
	return dtypes[d].size
}

// String returns the name on the wire, which is NumPy's and PyTorch's: "float64",
// "bfloat16", "int8", "bool".
func (d DType) String() string {
	if !d.valid() {
		return "no dtype"
	}
	return dtypes[d].name
}

// IsFloat reports whether elements are floating-point numbers.
func (d DType) IsFloat() bool {
	return d == Float16 || d == BFloat16 || d == Float32 || d == Float64
}

// IsInt reports whether elements are integers; bool is not.
func (d DType) IsInt() bool {
	return d == Uint8 || d == Int8 || d == Int16 || d == Int32 || d == Int64
}

// ParseDType reads a name as String writes it.
func ParseDType(name string) (DType, error) {
	for d := Bool; d.valid(); d++ {
		if dtypes[d].name == name {
			return d, nil
		}
	}
	return 0, fail(ErrFormat, "unknown dtype %.40q", name)
}

func parseSafetensorsDType(name string) (DType, error) {
	for d := Bool; d.valid(); d++ {
		if dtypes[d].safetensors == name {
			return d, nil
		}
	}
	return 0, fail(ErrFormat, "safetensors: unsupported dtype %.40q", name)
}

// MarshalText writes the name.
func (d DType) MarshalText() ([]byte, error) {
	if !d.valid() {
		return nil, fail(ErrType, "dtype %d does not exist", uint8(d))
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads the name.
func (d *DType) UnmarshalText(b []byte) error {
	parsed, err := ParseDType(string(b))
	if err == nil {
		*d = parsed
	}
	return err
}
