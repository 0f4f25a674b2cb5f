package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/gob"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

type Rec struct {
	XMLName xml.Name `xml:"rec" json:"-"`
	ID      int      `xml:"id,attr"`
	Names   []string `xml:"names>name"`
}

type G struct {
	A int
	B map[string][]float64
}

func main() {
	d := 90*time.Minute + 30*time.Second
	t := time.Date(2026, time.February, 28, 23, 30, 0, 0, time.UTC)
	fmt.Println(d, d.Hours(), t.Add(d).Format(time.RFC3339), t.AddDate(0, 0, 1).Weekday(), t.YearDay(), t.Truncate(24*time.Hour).Unix())
	p, err := time.Parse("2006-01-02", "2024-02-30")
	fmt.Println(p.IsZero(), err)
	re := regexp.MustCompile(`(?P<k>\w+)=(\d+)`)
	fmt.Println(re.FindAllStringSubmatch("a=1, b=22", -1), re.ReplaceAllString("x=5", "$2<-${k}"))
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	z.Write([]byte(strings.Repeat("go", 100)))
	z.Close()
	zr, _ := gzip.NewReader(&buf)
	back, _ := io.ReadAll(zr)
	fmt.Println(len(back), fmt.Sprintf("%x", sha256.Sum256(back))[:16], base64.URLEncoding.EncodeToString([]byte{255, 254}))
	x, _ := xml.Marshal(Rec{ID: 3, Names: []string{"a", "b"}})
	fmt.Println(string(x))
	var r Rec
	xml.Unmarshal(x, &r)
	fmt.Println(r.ID, r.Names)
	var gb bytes.Buffer
	gob.NewEncoder(&gb).Encode(G{1, map[string][]float64{"x": {1.5}}})
	var g G
	gob.NewDecoder(&gb).Decode(&g)
	fmt.Println(g)
	rows, _ := csv.NewReader(strings.NewReader("a,\"b,c\"\n1,2\n")).ReadAll()
	fmt.Println(rows, len(rows))
	f := new(big.Int)
	f.MulRange(1, 25)
	fmt.Println(f, new(big.Rat).SetFrac64(6, 4))
	rnd := rand.New(rand.NewPCG(1, 2))
	fmt.Println(rnd.IntN(100), rnd.Perm(4))
	u, _ := url.Parse("https://u:p@h.com:8080/a/b?q=1&q=2#f")
	fmt.Println(u.Host, u.Query()["q"], u.Fragment, u.Port())
	n, err := strconv.ParseInt("99999999999999999999", 10, 64)
	fmt.Println(n, err)
	fmt.Println(strconv.Quote("a\tb"), strconv.FormatFloat(1.0/3, 'g', 5, 64), strconv.Itoa(-3))
	b := binary.BigEndian.AppendUint32(nil, 0xdeadbeef)
	fmt.Printf("% x %d\n", b, binary.LittleEndian.Uint16(b))
	dir, _ := os.MkdirTemp("", "x")
	defer os.RemoveAll(dir)
	os.WriteFile(filepath.Join(dir, "f.txt"), []byte("l1\nl2\n"), 0o600)
	file, _ := os.Open(filepath.Join(dir, "f.txt"))
	defer file.Close()
	sc := bufio.NewScanner(file)
	for sc.Scan() {
		fmt.Print(sc.Text(), ";")
	}
	fmt.Println(filepath.Base(file.Name()), filepath.Join("a", "../b"))
	pr, pw := io.Pipe()
	go func() { fmt.Fprint(pw, "piped"); pw.Close() }()
	all, _ := io.ReadAll(io.TeeReader(pr, io.Discard))
	fmt.Println(string(all))
	w := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(w, "buffered")
	w.Flush()
}
