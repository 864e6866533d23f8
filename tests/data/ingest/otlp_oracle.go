// otlp_oracle.go - what Thanos makes of OTLP requests: the other side of make_otlp.py.
//
//	go mod init oracle && go get github.com/thanos-io/thanos@v0.41.0 && go build -o oracle .
//
// Reads a request as hex from each line of standard input; writes the line "R <hex>" and sorted
// lines of what the translator gives: samples (S), histograms (H), exemplars (E).
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"

	tr "github.com/thanos-io/thanos/pkg/receive/otlptranslator"
	"github.com/thanos-io/thanos/pkg/store/labelpb"
	"github.com/thanos-io/thanos/pkg/store/storepb/prompb"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

func text(labels []labelpb.ZLabel) string {
	var out []string
	for _, l := range labels {
		if l.Value != "" {
			out = append(out, fmt.Sprintf("%s=%q", l.Name, l.Value))
		}
	}
	sort.Strings(out)
	return "{" + strings.Join(out, ",") + "}"
}

func buckets(spans []prompb.BucketSpan, deltas []int64) string {
	out, index, count, at := "", int32(0), int64(0), 0
	for _, s := range spans {
		index += s.Offset
		for i := uint32(0); i < s.Length; i++ {
			count += deltas[at]
			if count != 0 {
				out += fmt.Sprintf(" %d:%d", index, count)
			}
			at++
			index++
		}
	}
	return out
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		raw, err := hex.DecodeString(in.Text())
		if err != nil {
			panic(err)
		}
		req := pmetricotlp.NewExportRequest()
		if err := req.UnmarshalProto(raw); err != nil {
			panic(err)
		}
		c := tr.NewPrometheusConverter()
		_, errs := c.FromMetrics(context.Background(), req.Metrics(), tr.Settings{
			AddMetricSuffixes:         true,
			PromoteResourceAttributes: []string{"host.name", "9zone", "k8s.pod.name"},
		})
		var out []string
		for _, e := range errs {
			out = append(out, "X "+e.Error())
		}
		for _, ts := range c.TimeSeries() {
			labels := text(ts.Labels)
			for _, s := range ts.Samples {
				out = append(out, fmt.Sprintf("S %s %d %016x", labels, s.Timestamp, math.Float64bits(s.Value)))
			}
			for _, h := range ts.Histograms {
				if math.Float64bits(h.Sum) == 0x7ff0000000000002 {
					out = append(out, fmt.Sprintf("H %s %d stale", labels, h.Timestamp))
					continue
				}
				out = append(out, fmt.Sprintf("H %s %d %016x %d %d %d %016x +%s -%s", labels, h.Timestamp,
					math.Float64bits(h.Sum), h.Schema, h.GetCountInt(), h.GetZeroCountInt(),
					math.Float64bits(h.ZeroThreshold), buckets(h.PositiveSpans, h.PositiveDeltas),
					buckets(h.NegativeSpans, h.NegativeDeltas)))
			}
			for _, e := range ts.Exemplars {
				out = append(out, fmt.Sprintf("E %s %d %016x %s", labels, e.Timestamp,
					math.Float64bits(e.Value), text(e.Labels)))
			}
		}
		sort.Strings(out)
		fmt.Println("R " + in.Text())
		for _, l := range out {
			fmt.Println(l)
		}
	}
}
