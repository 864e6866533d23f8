// histogram_chunks.go - chunks as Prometheus' own encoders write them, beside what was appended.
//
//	cd <Prometheus 3.14 sources> && go run <here>/histogram_chunks.go [seed [series]] >tsdb/histogram-chunks.json
//
// A line is one series: {name, encoding, samples, chunks}. A sample is [t, start, action, value]:
// action "" appends, "cut" begins a chunk after the one before, "new" one after nothing known.
// Histograms are written as in the golden blocks (absolute counts); floats as hex bits.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"sort"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

type span struct {
	Offset int32  `json:"offset"`
	Length uint32 `json:"length"`
}

type histogramJSON struct {
	Kind           string   `json:"kind"`
	Hint           string   `json:"reset_hint"`
	Schema         int32    `json:"schema"`
	ZeroThreshold  string   `json:"zero_threshold"`
	ZeroCount      string   `json:"zero_count"`
	Count          string   `json:"count"`
	Sum            string   `json:"sum"`
	PositiveSpans  []span   `json:"positive_spans,omitempty"`
	PositiveCounts []string `json:"positive_counts,omitempty"`
	NegativeSpans  []span   `json:"negative_spans,omitempty"`
	NegativeCounts []string `json:"negative_counts,omitempty"`
	CustomValues   []string `json:"custom_values,omitempty"`
}

type series struct {
	Name     string   `json:"name"`
	Encoding int      `json:"encoding"`
	Samples  []any    `json:"samples"`
	Chunks   []string `json:"chunks"`
}

func number(v float64) string {
	if math.Float64bits(v) == value.StaleNaN {
		return "stale"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// A series' present state.
type state struct {
	r        *rand.Rand
	float    bool
	gauge    bool
	custom   bool
	schema   int32
	zt       float64
	zc       float64
	extra    float64 // observations of NaN
	sum      float64
	pos, neg map[int]float64
	bounds   []float64
	stale    bool
	hint     histogram.CounterResetHint
}

func (s *state) step() float64 {
	v := float64(s.r.Intn(20))
	if s.r.Intn(12) == 0 {
		v = float64(s.r.Intn(1 << 30))
	}
	if s.float && s.r.Intn(2) == 0 {
		v += s.r.Float64()
	}
	return v
}

func (s *state) side() (map[int]float64, int) {
	if s.custom {
		return s.pos, s.r.Intn(len(s.bounds) + 1)
	}
	if s.r.Intn(3) == 0 {
		return s.neg, s.r.Intn(30) - 10
	}
	return s.pos, s.r.Intn(40) - 15
}

func (s *state) grow() {
	for _, m := range []map[int]float64{s.pos, s.neg} {
		for _, i := range keys(m) {
			if s.r.Intn(3) != 0 {
				m[i] += s.step()
			}
			if s.gauge && s.r.Intn(3) == 0 {
				m[i] = float64(int(m[i]) / 2)
			}
		}
	}
	if !s.custom {
		s.zc += float64(s.r.Intn(3))
	}
	s.sum += float64(s.r.Intn(1000)) / 8
}

// An event of the series' life; most of the time nothing but growth.
func (s *state) event() {
	s.hint = histogram.UnknownCounterReset
	if s.gauge {
		s.hint = histogram.GaugeType
	}
	s.stale = false
	s.grow()
	switch s.r.Intn(22) {
	case 0, 1, 2: // new buckets
		for range 1 + s.r.Intn(3) {
			m, i := s.side()
			if _, there := m[i]; !there {
				m[i] = s.step()
			}
		}
	case 3, 4: // an empty bucket appears
		m, i := s.side()
		if _, there := m[i]; !there {
			m[i] = 0
		}
	case 5, 6: // empty buckets vanish
		for _, m := range []map[int]float64{s.pos, s.neg} {
			for _, i := range keys(m) {
				if m[i] == 0 {
					delete(m, i)
				}
			}
		}
	case 7: // a used bucket vanishes
		for _, i := range keys(s.pos) {
			delete(s.pos, i)
			break
		}
	case 8: // reset
		for _, m := range []map[int]float64{s.pos, s.neg} {
			for i := range m {
				m[i] = 0
			}
		}
		s.zc, s.extra, s.sum = 0, 0, 0
	case 9:
		s.hint = histogram.CounterReset
	case 10:
		s.stale = true
	case 11:
		s.hint = histogram.NotCounterReset
	case 12:
		if s.custom {
			s.bounds = append(s.bounds, s.bounds[len(s.bounds)-1]+s.r.Float64())
		} else {
			s.schema = int32(s.r.Intn(13) - 4)
		}
	case 13:
		if !s.custom {
			s.zt = []float64{0, 0.001, math.Ldexp(0.5, -127), 1024, math.Ldexp(0.5, -243), 3}[s.r.Intn(6)]
		}
	case 14:
		if s.r.Intn(3) == 0 {
			s.gauge = !s.gauge
		}
	case 15:
		if s.r.Intn(3) == 0 {
			s.sum = math.NaN()
			s.extra++
		} else if math.IsNaN(s.sum) {
			s.sum = 1
			s.extra = 0
		}
	}
}

func keys(m map[int]float64) []int {
	var k []int
	for i := range m {
		k = append(k, i)
	}
	sort.Ints(k)
	return k
}

// Spans over the buckets, in one of the many ways to cut them.
func (s *state) spans(m map[int]float64) ([]histogram.Span, []float64) {
	var spans []histogram.Span
	var counts []float64
	end := 0
	for n, i := range keys(m) {
		if n > 0 && i == end && s.r.Intn(12) != 0 {
			spans[len(spans)-1].Length++
		} else {
			gap := i - end
			if n > 0 && gap > 1 && s.r.Intn(12) == 0 {
				spans = append(spans, histogram.Span{Offset: 1})
				gap--
			}
			spans = append(spans, histogram.Span{Offset: int32(gap), Length: 1})
		}
		counts = append(counts, m[i])
		end = i + 1
	}
	return spans, counts
}

func (s *state) value() *histogram.FloatHistogram {
	if s.stale {
		return &histogram.FloatHistogram{Sum: math.Float64frombits(value.StaleNaN)}
	}
	h := &histogram.FloatHistogram{
		CounterResetHint: s.hint, Schema: s.schema, ZeroThreshold: s.zt, ZeroCount: s.zc, Sum: s.sum,
	}
	h.Count = s.zc + s.extra
	h.PositiveSpans, h.PositiveBuckets = s.spans(s.pos)
	h.NegativeSpans, h.NegativeBuckets = s.spans(s.neg)
	for _, c := range append(append([]float64{}, h.PositiveBuckets...), h.NegativeBuckets...) {
		h.Count += c
	}
	if s.custom {
		h.CustomValues = append([]float64{}, s.bounds...)
	}
	return h
}

func deltas(counts []float64) []int64 {
	var d []int64
	var last int64
	for _, c := range counts {
		d = append(d, int64(c)-last)
		last = int64(c)
	}
	return d
}

func toInteger(f *histogram.FloatHistogram) *histogram.Histogram {
	return &histogram.Histogram{
		CounterResetHint: f.CounterResetHint, Schema: f.Schema, ZeroThreshold: f.ZeroThreshold,
		ZeroCount: uint64(f.ZeroCount), Count: uint64(f.Count), Sum: f.Sum,
		PositiveSpans: f.PositiveSpans, NegativeSpans: f.NegativeSpans,
		PositiveBuckets: deltas(f.PositiveBuckets), NegativeBuckets: deltas(f.NegativeBuckets),
		CustomValues: f.CustomValues,
	}
}

func toJSON(f *histogram.FloatHistogram, float bool) histogramJSON {
	j := histogramJSON{
		Kind: "integer", Hint: []string{"unknown", "reset", "not_reset", "gauge"}[f.CounterResetHint],
		Schema: f.Schema, ZeroThreshold: number(f.ZeroThreshold), ZeroCount: number(f.ZeroCount),
		Count: number(f.Count), Sum: number(f.Sum),
	}
	text := number
	if float {
		j.Kind = "float"
	} else {
		text = func(v float64) string { return strconv.FormatInt(int64(v), 10) }
		j.ZeroCount, j.Count = text(f.ZeroCount), text(f.Count)
	}
	for _, s := range f.PositiveSpans {
		j.PositiveSpans = append(j.PositiveSpans, span(s))
	}
	for _, s := range f.NegativeSpans {
		j.NegativeSpans = append(j.NegativeSpans, span(s))
	}
	for _, c := range f.PositiveBuckets {
		j.PositiveCounts = append(j.PositiveCounts, text(c))
	}
	for _, c := range f.NegativeBuckets {
		j.NegativeCounts = append(j.NegativeCounts, text(c))
	}
	for _, c := range f.CustomValues {
		j.CustomValues = append(j.CustomValues, number(c))
	}
	return j
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// One histogram series; enc 2, 3, 5 or 6.
func histogramSeries(r *rand.Rand, enc chunkenc.Encoding, kind string, n int) series {
	float := enc == chunkenc.EncFloatHistogram || enc == chunkenc.EncFloatHistogramST
	s := &state{r: r, float: float, gauge: kind == "gauge", custom: kind == "custom", schema: 2, zt: 0.001,
		pos: map[int]float64{0: 3, 1: 1}, neg: map[int]float64{}}
	if s.custom {
		s.schema, s.zt, s.bounds = histogram.CustomBucketsSchema, 0, []float64{-1, 0, 0.005, 2.5, 33554.43, 33554.44, 1e9}
	}
	out := series{Name: kind, Encoding: int(enc)}
	var chunks []chunkenc.Chunk
	var app chunkenc.Appender
	t, st := int64(1714521600000), int64(0)
	if r.Intn(2) == 0 {
		st = t - 5000
	}
	for i := range n {
		t += int64(15000 + r.Intn(3)*r.Intn(40))
		if r.Intn(15) == 0 {
			st = t - int64(r.Intn(1000000))
		}
		s.event()
		f := s.value()
		action := ""
		if i == 0 || r.Intn(40) == 0 {
			action = "new"
		} else if r.Intn(15) == 0 {
			action = "cut"
		}
		out.Samples = append(out.Samples, []any{t, st, action, toJSON(f, float)})
		prev := app
		if action != "" {
			c := must(chunkenc.NewEmptyChunk(enc))
			chunks = append(chunks, c)
			app = must(c.Appender())
		}
		if action != "cut" {
			prev = nil
		}
		var c chunkenc.Chunk
		var recoded bool
		var err error
		if float {
			c, recoded, app, err = app.AppendFloatHistogram(prev, st, t, f, false)
		} else {
			c, recoded, app, err = app.AppendHistogram(prev, st, t, toInteger(f), false)
		}
		if err != nil {
			panic(err)
		}
		if c != nil && recoded {
			chunks[len(chunks)-1] = c
		} else if c != nil {
			chunks = append(chunks, c)
		}
	}
	for _, c := range chunks {
		out.Chunks = append(out.Chunks, hex.EncodeToString(c.Bytes()))
	}
	return out
}

// One float series in an XOR2 chunk.
func xor2Series(r *rand.Rand, kind string, n int) series {
	out := series{Name: "xor2 " + kind, Encoding: int(chunkenc.EncXOR2)}
	c := chunkenc.NewXOR2Chunk()
	app := must(c.Appender())
	t, st, v, delta := int64(1714521600000), int64(0), 1.5, int64(15000)
	if kind != "late start" && kind != "no start" {
		st = t - 1000
	}
	for i := range n {
		switch r.Intn(12) {
		case 0:
			delta += int64(r.Intn(8000) - 4000)
		case 1:
			delta = int64(15000 + r.Intn(500000))
		case 2:
			delta = int64(r.Intn(1 << 30))
		}
		t += delta
		switch r.Intn(5) {
		case 0:
			v += float64(r.Intn(100))
		case 1:
			v = r.NormFloat64()
		}
		sample := v
		if r.Intn(10) == 0 {
			sample = math.Float64frombits(value.StaleNaN)
		}
		if kind == "moving start" && r.Intn(4) == 0 || kind == "late start" && i > 140 && r.Intn(4) == 0 {
			st = t - int64(r.Intn(100000))
		}
		app.Append(st, t, sample)
		out.Samples = append(out.Samples, []any{t, st, "", fmt.Sprintf("%016x", math.Float64bits(sample))})
	}
	out.Chunks = []string{hex.EncodeToString(c.Bytes())}
	return out
}

func main() {
	seed, rounds := int64(1), 1
	if len(os.Args) > 1 {
		seed = must(strconv.ParseInt(os.Args[1], 10, 64))
	}
	if len(os.Args) > 2 {
		rounds = must(strconv.Atoi(os.Args[2]))
	}
	r := rand.New(rand.NewSource(seed))
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	line := func(s series) {
		w.Write(must(json.Marshal(s)))
		w.WriteByte('\n')
	}
	for range rounds {
		for _, enc := range []chunkenc.Encoding{chunkenc.EncHistogram, chunkenc.EncFloatHistogram, chunkenc.EncHistogramST, chunkenc.EncFloatHistogramST} {
			for _, kind := range []string{"counter", "gauge", "custom"} {
				line(histogramSeries(r, enc, kind, 20))
			}
		}
	}
	for _, kind := range []string{"no start", "one start", "moving start", "late start"} {
		line(xor2Series(r, kind, 160))
	}
}
