// Sends remote write 2.0 with the client of the Prometheus project: 20 requests of floats, native
// histograms, exemplars and metadata, then one that is good in part only. What the client was told
// was written goes to stdout, a JSON object a request.
//
// usage: remote_write2_sender BASE_URL PATH FIRST_TIME_MS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
)

const (
	rounds     = 20
	series     = 10
	intervalMs = 15000
)

type request struct {
	symbols writev2.SymbolsTable
	series  []*writev2.TimeSeries
}

func newRequest() *request {
	return &request{symbols: writev2.NewSymbolTable()}
}

// add takes labels as name, value, name, value.
func (r *request) add(kind writev2.Metadata_MetricType, help string, labels ...string) *writev2.TimeSeries {
	ts := &writev2.TimeSeries{
		LabelsRefs: r.symbols.SymbolizeLabels(labels, nil),
		Metadata: &writev2.Metadata{
			Type:    kind,
			HelpRef: r.symbols.Symbolize(help),
			UnitRef: r.symbols.Symbolize("seconds"),
		},
	}
	r.series = append(r.series, ts)
	return ts
}

func (r *request) message() *writev2.Request {
	return &writev2.Request{Symbols: r.symbols.Symbols(), Timeseries: r.series}
}

// floats: series i has the value i * 1000 + round + 0.5, and an exemplar where i is even.
func (r *request) floats(round int, t int64) {
	for i := 0; i < series; i++ {
		ts := r.add(writev2.Metadata_METRIC_TYPE_COUNTER, "Floats of a test.",
			"__name__", "rw2_float_total", "i", strconv.Itoa(i), "zone", "räksmörgås")
		value := float64(i*1000+round) + 0.5
		ts.Samples = []*writev2.Sample{{Value: value, Timestamp: t}}
		if i%2 == 0 {
			ts.Exemplars = []*writev2.Exemplar{{
				LabelsRefs: r.symbols.SymbolizeLabels([]string{"trace_id", fmt.Sprint("t", i, "-", round)}, nil),
				Value:      value,
				Timestamp:  t,
			}}
		}
	}
}

// histograms: one of integers, one of floats, one with custom buckets; all grow by the round.
func (r *request) histograms(round int, t int64) {
	n := uint64(round + 1)
	spans := []*writev2.BucketSpan{{Offset: -1, Length: 2}, {Offset: 1, Length: 1}}
	ts := r.add(writev2.Metadata_METRIC_TYPE_HISTOGRAM, "Histograms of a test.",
		"__name__", "rw2_histogram", "kind", "int")
	ts.Histograms = []*writev2.Histogram{{
		Count:          &writev2.Histogram_CountInt{CountInt: 7 * n},
		ZeroCount:      &writev2.Histogram_ZeroCountInt{ZeroCountInt: n},
		Sum:            float64(n) * 1.5,
		Schema:         1,
		ZeroThreshold:  0.001,
		PositiveSpans:  spans,
		PositiveDeltas: []int64{int64(n), int64(n), int64(n)},
		Timestamp:      t,
	}}
	ts = r.add(writev2.Metadata_METRIC_TYPE_HISTOGRAM, "Histograms of a test.",
		"__name__", "rw2_histogram", "kind", "float")
	ts.Histograms = []*writev2.Histogram{{
		Count:          &writev2.Histogram_CountFloat{CountFloat: 7.5 * float64(n)},
		ZeroCount:      &writev2.Histogram_ZeroCountFloat{ZeroCountFloat: 1.5 * float64(n)},
		Sum:            float64(n) * 2.5,
		Schema:         0,
		ZeroThreshold:  0.001,
		NegativeSpans:  spans,
		NegativeCounts: []float64{float64(n), 2 * float64(n), 3 * float64(n)},
		Timestamp:      t,
	}}
	ts = r.add(writev2.Metadata_METRIC_TYPE_HISTOGRAM, "Histograms of a test.",
		"__name__", "rw2_histogram", "kind", "custom")
	ts.Histograms = []*writev2.Histogram{{
		Count:          &writev2.Histogram_CountInt{CountInt: 3 * n},
		Sum:            float64(n),
		Schema:         -53,
		CustomValues:   []float64{0.25, 1.5},
		PositiveSpans:  []*writev2.BucketSpan{{Offset: 0, Length: 3}},
		PositiveDeltas: []int64{int64(n), 0, 0},
		Timestamp:      t,
	}}
}

// good in part: a series that is repeated, one that is new, one without a name, one behind its newest
// sample.
func partial(first int64) *writev2.Request {
	r := newRequest()
	last := first + (rounds-1)*intervalMs
	kind := writev2.Metadata_METRIC_TYPE_COUNTER
	add := func(t int64, value float64, labels ...string) {
		ts := r.add(kind, "Floats of a test.", labels...)
		ts.Samples = []*writev2.Sample{{Value: value, Timestamp: t}}
	}
	add(last, float64(rounds-1)+0.5, "__name__", "rw2_float_total", "i", "0", "zone", "räksmörgås")
	add(last, 42, "__name__", "rw2_new_total")
	add(last, 43, "nameless", "yes")
	add(first, 44, "__name__", "rw2_float_total", "i", "1", "zone", "räksmörgås")
	return r.message()
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: remote_write2_sender BASE_URL PATH FIRST_TIME_MS")
		os.Exit(2)
	}
	first, err := strconv.ParseInt(os.Args[3], 10, 64)
	if err != nil {
		panic(err)
	}
	api, err := remote.NewAPI(os.Args[1], remote.WithAPIPath(os.Args[2]),
		remote.WithAPIBackoff(remote.BackoffConfig{Min: time.Second, Max: time.Second, MaxRetries: 3}))
	if err != nil {
		panic(err)
	}
	send := func(m *writev2.Request) {
		stats, err := api.Write(context.Background(), remote.WriteV2MessageType, m)
		text := ""
		if err != nil {
			text = err.Error()
		}
		json.NewEncoder(os.Stdout).Encode(map[string]any{
			"samples": stats.Samples, "histograms": stats.Histograms,
			"exemplars": stats.Exemplars, "error": text,
		})
	}
	for round := 0; round < rounds; round++ {
		r := newRequest()
		t := first + int64(round)*intervalMs
		r.floats(round, t)
		r.histograms(round, t)
		send(r.message())
	}
	send(partial(first))
}
