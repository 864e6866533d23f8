#!/bin/sh
# make-goldens.sh - files as Prometheus writes them, with what its own tools say is in them.
#
#   tests/data/make-goldens.sh             writes tests/data/tsdb/ and the other files below;
#                                          needs prometheus and promtool, go, and PROMETHEUS_SRC: the
#                                          sources of 3.14
#
# tsdb/block/            a block made from openmetrics text (XOR chunks)
# tsdb/block-samples.txt promtool's dump of that block, series in the order of the segment
# tsdb/wal-kill9/        log of a Prometheus that scraped itself and was killed (snappy)
# tsdb/wal-kill9.txt     promtool's dump of that log
# tsdb/histogram-chunks.json  samples, and the chunks that Prometheus' encoders make of them
# tsdb/histogram-texts.txt    native histograms, and the text that Prometheus prints for them
# tsdb/float-histograms.txt   sums of them, differences, resets and all else, by Prometheus
# ingest/relabel.jsonl       rules and labels, and what Prometheus makes of them
# querygw/histogram-statistics.txt  their quantiles, fractions and variances
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$here/tsdb
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# Values and intervals of every kind that the encoder treats differently. Times stay inside one
# block of two hours.
awk 'function rnd() { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648 }
function row(name, t, v) { printf "%s %s %.3f\n", name, v, t }
BEGIN {
    seed = 42; t0 = 1704067200
    print "# TYPE a gauge"
    for (i = 0; i < 300; i++) row("a{kind=\"constant\"}", t0 + 15 * i, 7)
    n = 0
    for (i = 0; i < 300; i++) { n += int(rnd() * 50); row("a{kind=\"counter\"}", t0 + 15 * i, n) }
    t = t0
    for (i = 0; i < 200; i++) { t += 10 + rnd() * 0.02; row("a{kind=\"jitter\"}", t, sprintf("%.17g", rnd())) }
    t = t0
    for (i = 0; i < 60; i++) { t += exp(rnd() * 6); row("a{kind=\"gaps\"}", t, sprintf("%.3f", rnd() * 100)) }
    split("NaN +Inf -Inf 0 -0 1e308 5e-324 -1 1 0.1 4503599627370497", special, " ")
    for (i = 0; i < 60; i++) row("a{kind=\"special\"}", t0 + 30 * i, special[1 + int(rnd() * 11)])
    row("a{kind=\"two\"}", t0, 1); row("a{kind=\"two\"}", t0 + 7000.5, 2)
    row("a{kind=\"one\"}", t0, 3)
    v = 0
    for (i = 0; i < 250; i++) { if (rnd() < 0.1) v = rnd() * 10; row("a{kind=\"steps\"}", t0 + 15 * i, sprintf("%.2f", v)) }
    print "# EOF"
}' >"$work/in.om"
promtool tsdb create-blocks-from openmetrics "$work/in.om" "$work/blocks" >/dev/null
mkdir "$work/blocks/wal" # the dump wants one
rm -rf "$out/block"
cp -r "$work"/blocks/0* "$out/block"
promtool tsdb dump "$work/blocks" >"$out/block-samples.txt"

cat >"$work/prometheus.yml" <<'YML'
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: self
    static_configs: [{targets: ["127.0.0.1:19797"]}]
    metric_relabel_configs:
      - {source_labels: [__name__], regex: "go_mem.*|process_.*", action: keep}
YML
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address=127.0.0.1:19797 --log.level=error &
pid=$!
sleep 12 # discovery needs five seconds
kill -9 $pid
wait $pid 2>/dev/null || true
rm -rf "$out/wal-kill9"
mkdir "$out/wal-kill9"
cp "$work"/data/wal/0* "$out/wal-kill9/"
promtool tsdb dump "$work/data" | sort >"$out/wal-kill9.txt"
(cd "$PROMETHEUS_SRC" && go run "$here/histogram_chunks.go") >"$out/histogram-chunks.json"
(cd "$PROMETHEUS_SRC" && go run "$here/histogram_texts.go") >"$out/histogram-texts.txt"
(cd "$PROMETHEUS_SRC" && go run "$here/relabel.go") >"$here/ingest/relabel.jsonl"
(cd "$PROMETHEUS_SRC" && go run "$here/float_histograms.go" operations) >"$out/float-histograms.txt"
(cd "$PROMETHEUS_SRC" && go run "$here/float_histograms.go" statistics) \
    >"$here/querygw/histogram-statistics.txt"
chmod -R u+w "$out"
