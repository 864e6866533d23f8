// float_histograms.go - what Prometheus computes with native histograms.
//
//	cd <Prometheus 3.14 sources>
//	go run <here>/float_histograms.go operations [seed [rounds]] >tsdb/float-histograms.txt
//	go run <here>/float_histograms.go statistics [seed [rounds]] >querygw/histogram-statistics.txt
//
// A line is "<operation> [arguments] | <histogram> | ... | <result>"; histograms as
// tests/tsdb/histogram_kit.h writes them, numbers with all their digits. Operands are random: all
// schemas, whole and broken counts, buckets that are empty or missing, zero buckets that cut others,
// custom bounds that are shared in part.
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
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"
	"github.com/prometheus/prometheus/util/annotations"
)

type fh = histogram.FloatHistogram

var (
	random *rand.Rand
	out    *bufio.Writer
)

func number(v float64) string {
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// side writes buckets one by one: neighbours are in one span, however the spans are cut.
func side(name string, spans []histogram.Span, counts []float64) string {
	var sb strings.Builder
	index, end, first := 0, 0, true
	for _, span := range spans {
		index += int(span.Offset)
		for range span.Length {
			switch {
			case first:
				fmt.Fprintf(&sb, " %s=%d:", name, index)
			case index > end:
				fmt.Fprintf(&sb, "/%d:", index-end)
			default:
				sb.WriteString(",")
			}
			sb.WriteString(number(counts[0]))
			counts = counts[1:]
			index++
			end, first = index, false
		}
	}
	return sb.String()
}

func kit(h *fh) string {
	hints := []string{"", " hint=reset", " hint=not", " hint=gauge"}
	text := fmt.Sprintf("f s=%d zt=%s zc=%s n=%s sum=%s", h.Schema, number(h.ZeroThreshold),
		number(h.ZeroCount), number(h.Count), number(h.Sum))
	text += side("p", h.PositiveSpans, h.PositiveBuckets)
	text += side("m", h.NegativeSpans, h.NegativeBuckets)
	for i, bound := range h.CustomValues {
		if i == 0 {
			text += " b="
		} else {
			text += ","
		}
		text += number(bound)
	}
	return text + hints[h.CounterResetHint]
}

func tell(parts ...string) {
	fmt.Fprintln(out, strings.Join(parts, " | "))
}

// --- random histograms -------------------------------------------------------------------------

func odd(v ...float64) float64 {
	return v[random.Intn(len(v))]
}

func count() float64 {
	switch random.Intn(6) {
	case 0:
		return 0
	case 1:
		return random.Float64() * 100
	case 2:
		return random.Float64() * math.Pow(10, float64(random.Intn(20)))
	default:
		return float64(random.Intn(1000))
	}
}

// buckets from `first` on, at most `room` indexes.
func buckets(first, room int) (spans []histogram.Span, counts []float64) {
	offset := int32(first)
	for room > 0 {
		length := min(1+random.Intn(4), room)
		spans = append(spans, histogram.Span{Offset: offset, Length: uint32(length)})
		for range length {
			counts = append(counts, count())
		}
		gap := random.Intn(4)
		if random.Intn(8) == 0 {
			gap += 20
		}
		offset = int32(gap)
		room -= length + gap
	}
	return
}

func hint() histogram.CounterResetHint {
	if random.Intn(3) > 0 {
		return histogram.UnknownCounterReset
	}
	return histogram.CounterResetHint(random.Intn(4))
}

func finish(h *fh) *fh {
	h.Count = h.ZeroCount
	for _, v := range append(append([]float64{}, h.PositiveBuckets...), h.NegativeBuckets...) {
		h.Count += v
	}
	h.Sum = (random.Float64() - 0.3) * 10 * h.Count
	if random.Intn(4) == 0 {
		h.Sum = odd(math.NaN(), math.NaN(), math.Inf(1), 0)
	}
	if math.IsNaN(h.Sum) && random.Intn(3) > 0 || random.Intn(10) == 0 {
		h.Count *= 1 + random.Float64() // NaNs are in no bucket
	}
	h.CounterResetHint = hint()
	return h
}

// exponential has its buckets around 1, where the zero threshold can meet them; or at the ends of
// all numbers.
func exponential(schema int32) *fh {
	h := &fh{Schema: schema, ZeroCount: count(),
		ZeroThreshold: odd(0, 0, 0.001, 1e-128, 0.5, 0.75, 1, 2.5, 3, 10)}
	width := int(math.Ldexp(4, int(max(schema, 0))))
	start := func() int {
		switch random.Intn(12) {
		case 0:
			return int(math.Ldexp(1024, int(schema))) - random.Intn(6)
		case 1:
			return int(math.Ldexp(-1074, int(schema)))
		}
		return random.Intn(width) - width/2
	}
	room := func() int { return random.Intn(3) * random.Intn(12) }
	h.PositiveSpans, h.PositiveBuckets = buckets(start(), room())
	h.NegativeSpans, h.NegativeBuckets = buckets(start(), room())
	if random.Intn(4) == 0 {
		h.NegativeSpans, h.NegativeBuckets = nil, nil
	}
	return finish(h)
}

func custom() *fh {
	h := &fh{Schema: histogram.CustomBucketsSchema}
	for _, bound := range []float64{-10, -2.5, -1, -0.5, 0, 0.1, 0.25, 0.5, 1, 2, 5, 10, 1e9} {
		if random.Intn(3) > 0 {
			h.CustomValues = append(h.CustomValues, bound)
		}
	}
	first := random.Intn(len(h.CustomValues) + 1)
	h.PositiveSpans, h.PositiveBuckets = buckets(first, len(h.CustomValues)+1-first)
	return finish(h)
}

func schema() int32 {
	return int32(random.Intn(13) - 4)
}

func some() *fh {
	if random.Intn(4) == 0 {
		return custom()
	}
	return exponential(schema())
}

// like has the same kind of buckets as h, often its very layout.
func like(h *fh) *fh {
	switch {
	case random.Intn(3) == 0:
		other := h.Copy()
		for i := range other.PositiveBuckets {
			other.PositiveBuckets[i] = count()
		}
		for i := range other.NegativeBuckets {
			other.NegativeBuckets[i] = count()
		}
		return finish(other)
	case h.UsesCustomBuckets():
		return custom()
	case random.Intn(2) == 0:
		return exponential(h.Schema)
	default:
		return exponential(schema())
	}
}

// --- operations --------------------------------------------------------------------------------

func findings(conflict, differ bool) string {
	n := 0
	if conflict {
		n |= 1
	}
	if differ {
		n |= 2
	}
	return strconv.Itoa(n)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func combine() {
	x := some()
	y := like(x)
	sum, conflict, differ, err := x.Copy().Add(y)
	check(err)
	tell("add", kit(x), kit(y), findings(conflict, differ), kit(sum))
	sum, conflict, differ, err = x.Copy().Sub(y)
	check(err)
	tell("subtract", kit(x), kit(y), findings(conflict, differ), kit(sum))
}

func compensated() {
	sum := some()
	parts := []string{"kahan", kit(sum)}
	if random.Intn(2) == 0 {
		sum.Mul(1e15)
		parts[1] = kit(sum)
	}
	var lost *fh
	conflict, differ := false, false
	for range 2 + random.Intn(4) {
		other := like(sum)
		parts = append(parts, kit(other))
		var c, d bool
		var err error
		lost, c, d, err = sum.KahanAdd(other, lost)
		check(err)
		conflict, differ = conflict || c, differ || d
	}
	lost.CounterResetHint = histogram.UnknownCounterReset
	tell(append(parts, findings(conflict, differ), kit(sum), kit(lost))...)
}

func change() {
	x := some()
	tell("compact", kit(x), kit(x.Copy().Compact(0)))
	factor := odd(2, 0.1, -1, 0, 1e300, math.Inf(1))
	tell("multiply "+number(factor), kit(x), kit(x.Copy().Mul(factor)))
	tell("divide "+number(factor), kit(x), kit(x.Copy().Div(factor)))
	e := exponential(schema())
	if to := int32(random.Intn(int(e.Schema)+5) - 4); to < e.Schema {
		y := e.Copy()
		check(y.ReduceResolution(to))
		tell(fmt.Sprintf("reduce %d", to), kit(e), kit(y))
	}
}

func compare() {
	x := some()
	y := like(x)
	if random.Intn(2) == 0 { // what may have grown out of x
		y, _, _, _ = x.Copy().Add(y)
		y.CounterResetHint = hint()
	}
	if random.Intn(10) == 0 {
		y = some()
	}
	tell("reset", kit(y), kit(x), strconv.FormatBool(y.DetectReset(x)))
	tell("reset", kit(x), kit(y), strconv.FormatBool(x.DetectReset(y)))
	tell("equal", kit(x), kit(y), strconv.FormatBool(x.Equals(y)))
}

func walk() {
	x := some()
	for _, name := range []string{"ascending", "descending"} {
		it := x.AllBucketIterator()
		if name == "descending" {
			it = x.AllReverseBucketIterator()
		}
		list := ""
		for it.Next() {
			list += " " + it.At().String()
		}
		tell(name, kit(x), "buckets"+list)
	}
}

// bound is often within a bucket, or at its end.
func bound(h *fh) float64 {
	if random.Intn(3) == 0 {
		return odd(0, 1, -1, 0.75, -0.75, 2, math.Inf(1), math.Inf(-1), 1e-200, -3, 0.3)
	}
	var ends []float64
	for it := h.AllBucketIterator(); it.Next(); {
		ends = append(ends, it.At().Lower, it.At().Upper)
	}
	if len(ends) == 0 {
		return 1
	}
	i := random.Intn(len(ends))
	if random.Intn(4) == 0 || i+1 == len(ends) {
		return ends[i]
	}
	return ends[i] + (ends[i+1]-ends[i])*random.Float64()
}

func trim() {
	x := some()
	at := bound(x)
	tell("trim-above "+number(at), kit(x), kit(x.Copy().TrimBuckets(at, true)))
	tell("trim-below "+number(at), kit(x), kit(x.Copy().TrimBuckets(at, false)))
}

func note(annos annotations.Annotations) string {
	if len(annos) == 0 {
		return "-"
	}
	for text := range annos {
		switch {
		case strings.Contains(text, "result is NaN"):
			return "nan"
		case strings.Contains(text, "skewed higher"):
			return "skew"
		case strings.Contains(text, "excluded"):
			return "excluded"
		}
		return text
	}
	return ""
}

func variance(h *fh) float64 {
	calls := promql.FunctionCalls
	vector := []promql.Vector{{promql.Sample{H: h, Metric: labels.EmptyLabels()}}}
	result, _ := calls["histogram_stdvar"](vector, nil, parser.Expressions{}, &promql.EvalNodeHelper{})
	return result[0].F
}

func statistics() {
	x := some()
	q := odd(0, 0.01, 0.5, 0.9, 0.99, 1, -1, 2, math.NaN(), random.Float64(), random.Float64())
	v, annos := promql.HistogramQuantile(q, x, "m", posrange.PositionRange{})
	tell("quantile "+number(q), kit(x), number(v), note(annos))
	low, high := bound(x), bound(x)
	if random.Intn(8) == 0 {
		high = odd(math.NaN(), math.Inf(1))
	} else if low > high {
		low, high = high, low
	}
	v, annos = promql.HistogramFraction(low, high, x, "m", posrange.PositionRange{})
	tell("fraction "+number(low)+" "+number(high), kit(x), number(v), note(annos))
	tell("variance", kit(x), number(variance(x)))
	tell("average", kit(x), number(x.Sum/x.Count))
}

func main() {
	seed, rounds := int64(1), 60
	if len(os.Args) > 2 {
		seed, _ = strconv.ParseInt(os.Args[2], 10, 64)
	}
	if len(os.Args) > 3 {
		rounds, _ = strconv.Atoi(os.Args[3])
	}
	random = rand.New(rand.NewSource(seed))
	out = bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for range rounds {
		if os.Args[1] == "operations" {
			combine()
			compensated()
			change()
			compare()
			walk()
			trim()
		} else {
			statistics()
			statistics()
		}
	}
}
