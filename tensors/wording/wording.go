// Package wording states facts in the same way everywhere: the known word that an unknown
// one most likely meant, a size in bytes, a list of names.
//
//	wording.Nearest("lienar", []string{"linear", "relu"}) // "linear"
//	wording.Bytes(1_500_000)                              // "1.5 MB"
package wording

import (
	"fmt"
	"strconv"
	"strings"
)

// Nearest returns the known word that word most likely meant, or "" if none is near. Case,
// dashes, underscores and blanks do not count. A typo is an extra, missing or wrong
// letter, or two letters that changed places. A word may have one typo for every three
// letters, and at least one: with more, short words that mean something else would be
// near. If several words are equally near, Nearest returns the first by alphabet.
func Nearest(word string, known []string) string {
	want := Fold(word)
	if len(want) > longest {
		return "" // too long for a word
	}
	best, at := "", 1+max(1, len(want)/3)
	for _, k := range known {
		if d := distance(want, Fold(k)); d < at || d == at && best != "" && k < best {
			best, at = k, d
		}
	}
	return best
}

// longest is the most bytes of a word that are compared.
const longest = 64

// Fold returns s without what does not count when words are compared.
func Fold(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// distance returns the number of insertions, deletions, replacements and swaps of
// neighbours between a and b, of which it compares at most the first longest bytes.
func distance(a, b string) int {
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, up, up2 := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, up[j]+1, up[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], up2[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

// Bytes writes a size in units of 1000: "999 B", "1.5 kB", "40.0 MB", "1.50 GB": from
// gigabytes on there are two decimals, because a tenth is a lot to send. (Package
// go-humanize writes "40 MB" and "1.5 MB": columns of sizes do not line up, and what
// notebooks show would change.)
func Bytes(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	x, u := float64(n)/1000, 0
	for x >= 999.95 && u < len(units)-1 {
		x, u = x/1000, u+1
	}
	digits := 1
	if u >= strings.Index(units, "G") {
		digits = 2
	}
	return strconv.FormatFloat(x, 'f', digits, 64) + " " + units[u:u+1] + "B"
}

// Count writes how many there are of a thing whose plural ends in s: "1 layer", "3 layers".
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// List joins names with commas. If there are more than 12, it writes 12 and the
// number of the others.
func List(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
