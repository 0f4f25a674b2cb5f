package bench

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"
)

// digits is the quickstart's data.
func digits(b *testing.B) (x [][]float64, y []int) {
	b.Helper()
	f, err := os.Open("../notebooks/data/digits.csv")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	for _, row := range rows {
		numbers := make([]float64, len(row))
		for i, word := range row {
			if numbers[i], err = strconv.ParseFloat(word, 64); err != nil {
				b.Fatal(err)
			}
		}
		x, y = append(x, numbers[:64]), append(y, int(numbers[64]))
	}
	for _, image := range x {
		for i := range image {
			image[i] /= 16
		}
	}
	return x, y
}
