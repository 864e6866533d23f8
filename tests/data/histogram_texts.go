// histogram_texts.go - native histograms as Prometheus prints them.
//
//	cd <Prometheus 3.14 sources> && go run <here>/histogram_texts.go [seed] >tsdb/histogram-texts.txt
//
// A line is "<histogram> | <text>"; the histogram as tests/tsdb/histogram_kit.h reads it. First one
// with every bound between two powers of 2, then each schema at random and at its far ends.
package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/histogram"
)

var random *rand.Rand

func number(v float64) string {
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func plain(v float64) string {
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// side is one side of a float histogram, and its form in the kit.
func side(spans []histogram.Span, counts []float64, text func(float64) string) string {
	var parts []string
	for _, span := range spans {
		var words []string
		for _, count := range counts[:span.Length] {
			words = append(words, text(count))
		}
		counts = counts[span.Length:]
		parts = append(parts, fmt.Sprintf("%d:%s", span.Offset, strings.Join(words, ",")))
	}
	return strings.Join(parts, "/")
}

func kit(h *histogram.FloatHistogram, kind string) string {
	count := number
	if kind == "i" {
		count = plain
	}
	out := []string{kind, fmt.Sprintf("s=%d", h.Schema), "zt=" + number(h.ZeroThreshold),
		"zc=" + count(h.ZeroCount), "n=" + count(h.Count), "sum=" + number(h.Sum)}
	if len(h.PositiveSpans) > 0 {
		out = append(out, "p="+side(h.PositiveSpans, h.PositiveBuckets, count))
	}
	if len(h.NegativeSpans) > 0 {
		out = append(out, "m="+side(h.NegativeSpans, h.NegativeBuckets, count))
	}
	if len(h.CustomValues) > 0 {
		var words []string
		for _, bound := range h.CustomValues {
			words = append(words, number(bound))
		}
		out = append(out, "b="+strings.Join(words, ","))
	}
	return strings.Join(out, " ")
}

func deltas(counts []float64) []int64 {
	var out []int64
	var last int64
	for _, count := range counts {
		out = append(out, int64(count)-last)
		last = int64(count)
	}
	return out
}

func tell(w *bufio.Writer, h *histogram.FloatHistogram, integer bool) {
	if !integer {
		fmt.Fprintf(w, "%s | %s\n", kit(h, "f"), h.String())
		return
	}
	i := histogram.Histogram{Schema: h.Schema, ZeroThreshold: h.ZeroThreshold,
		ZeroCount: uint64(h.ZeroCount), Count: uint64(h.Count), Sum: h.Sum,
		PositiveSpans: h.PositiveSpans, NegativeSpans: h.NegativeSpans,
		PositiveBuckets: deltas(h.PositiveBuckets), NegativeBuckets: deltas(h.NegativeBuckets),
		CustomValues: h.CustomValues}
	fmt.Fprintf(w, "%s | %s\n", kit(h, "i"), i.String())
}

// spans of up to `room` buckets from `first` on, some of them empty or with a span of nothing.
func spans(first, room int, integer bool) (out []histogram.Span, counts []float64) {
	offset := int32(first)
	for room > 0 {
		length := min(1+random.Intn(3), room)
		out = append(out, histogram.Span{Offset: offset, Length: uint32(length)})
		for range length {
			count := float64(random.Intn(4)) * math.Pow(10, float64(random.Intn(8)))
			if !integer {
				count *= random.Float64()
			}
			counts = append(counts, count)
		}
		gap := 1 + random.Intn(4)
		offset = int32(gap)
		room -= length + gap
	}
	return
}

func odd(v ...float64) float64 {
	return v[random.Intn(len(v))]
}

func main() {
	seed := int64(1)
	if len(os.Args) > 1 {
		seed, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	random = rand.New(rand.NewSource(seed))
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()

	all := &histogram.FloatHistogram{Schema: 8, Count: 257,
		PositiveSpans: []histogram.Span{{Offset: 0, Length: 257}}}
	for range 257 {
		all.PositiveBuckets = append(all.PositiveBuckets, 1)
	}
	tell(w, all, true)
	for schema := int32(-4); schema <= 8; schema++ {
		end := int(math.Ldexp(1024, int(schema))) // of the last bucket of finite numbers
		for _, first := range []int{-6, -end - 20, end - 3, random.Intn(2*end) - end} {
			for _, integer := range []bool{true, false} {
				h := &histogram.FloatHistogram{Schema: schema,
					ZeroThreshold: odd(0, 0.001, 1e-128, 2.5),
					ZeroCount:     odd(0, 7, 123456789),
					Count:         odd(0, 17, 1e6, 1234567),
					Sum:           odd(0, -3.25, 1e21, math.Inf(1), math.Inf(-1), math.NaN())}
				room := min(12, end+2-first)
				h.PositiveSpans, h.PositiveBuckets = spans(first, room, integer)
				h.NegativeSpans, h.NegativeBuckets = spans(first, room, integer)
				tell(w, h, integer)
			}
		}
	}
	for i := range 6 {
		h := &histogram.FloatHistogram{Schema: histogram.CustomBucketsSchema, Count: 21, Sum: 5.5,
			CustomValues: []float64{-10, -0.5, 0, 1e-7, 0.25, 1, 1e9}}
		h.PositiveSpans, h.PositiveBuckets = spans(i%3, 8-i%3, i%2 == 0)
		tell(w, h, i%2 == 0)
	}
}
