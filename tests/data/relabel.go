// relabel.go - random relabelling rules and label sets, and what Prometheus makes of them.
//
//	cd <Prometheus 3.14 sources>
//	go run <here>/relabel.go [seed [rows]] >ingest/relabel.jsonl
//
// A line is an object: "rules" as YAML, "labels", and then "err" (the rules are refused; the text),
// "drop" or "want" (pairs of names and values, sorted).
package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"strconv"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

var (
	random     *rand.Rand
	names      = []string{"a", "b", "c", "d", "ab", "a_b", "ü", "x.y", "__name__", "A"}
	values     = []string{"", "1", "foo", "bar", "x/y", "Bar", "É", "foo;bar", "a\nb", "12", "ß", "ab"}
	separators = []string{";", "", "-", "::"}
	regexes    = []string{"(.*)", ".*", ".+", "", "a", "a|b", "(a|b)(.*)", "f(o+)", "(.+)/(.+)",
		"([a-z])(.*)", "(?i)BAR", "[^;]*;(.*)", "(?P<n>.)(.*)", "x?", "(a)?(b)?.*", "foo.*", "foo.+",
		"\\d+", "(.)(.)(.)", "^foo$", "(.*)b", ".", "\\pL+", "é|É", "("}
	templates = []string{"$1", "${1}", "$2$1", "x_$1", "${1}y", "$n", "${n}", "$$", "$", "const", "",
		"$0", "${0}$0", "${3}", "a", "b", "$1_$2", "${", "$1x", "ü$1", "é.$2"}
	actions = []string{"replace", "replace", "replace", "keep", "drop", "keepequal", "dropequal",
		"hashmod", "labelmap", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase",
		"REPLACE", "nothing"}
)

func pick(from []string) string { return from[random.Intn(len(from))] }

func oneIn(n int) bool { return random.Intn(n) == 0 }

func is(action string, of ...string) bool {
	for _, a := range of {
		if a == action {
			return true
		}
	}
	return false
}

// Mostly with the fields that its action takes.
func rule() map[string]any {
	r := map[string]any{}
	action, odd := pick(actions), oneIn(12)
	equal := is(action, "keepequal", "dropequal")
	bare := is(action, "labeldrop", "labelkeep")
	if action != "replace" || !oneIn(4) {
		r["action"] = action
	}
	if (!bare || odd) && !oneIn(8) {
		sources := []string{}
		for i := random.Intn(3); i >= 0; i-- {
			sources = append(sources, pick(names))
		}
		r["source_labels"] = sources
	}
	if (!equal && !bare || odd) && oneIn(4) {
		r["separator"] = pick(separators)
	}
	if (!equal || odd) && !oneIn(6) {
		r["regex"] = pick(regexes)
	}
	if odd || !bare && !is(action, "keep", "drop", "labelmap") {
		r["target_label"] = pick(names)
		if oneIn(2) && (odd || is(action, "replace", "REPLACE")) {
			r["target_label"] = pick(templates)
		}
	}
	if (odd || is(action, "replace", "REPLACE", "labelmap")) && !oneIn(5) {
		r["replacement"] = pick(templates)
	}
	if action == "hashmod" && !oneIn(8) {
		r["modulus"] = random.Intn(1000)
	}
	return r
}

func parse(text []byte) ([]*relabel.Config, error) {
	var rules []*relabel.Config
	if err := yaml.UnmarshalStrict(text, &rules); err != nil {
		return nil, err
	}
	for _, r := range rules {
		if err := r.Validate(model.UTF8Validation); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func row() map[string]any {
	var list []map[string]any
	for i := random.Intn(4); i >= 0; i-- {
		list = append(list, rule())
	}
	text, _ := yaml.Marshal(list)
	set := map[string]string{}
	for i := random.Intn(6); i >= 0; i-- {
		if v := pick(values); v != "" {
			set[pick(names)] = v
		}
	}
	r := map[string]any{"rules": string(text), "labels": set}
	rules, err := parse(text)
	if err != nil {
		r["err"] = err.Error()
		return r
	}
	b := labels.NewBuilder(labels.FromMap(set))
	if !relabel.ProcessBuilder(b, rules...) {
		r["drop"] = true
		return r
	}
	want := [][2]string{}
	b.Labels().Range(func(l labels.Label) { want = append(want, [2]string{l.Name, l.Value}) })
	r["want"] = want
	return r
}

func argument(i int, otherwise int64) int64 {
	if len(os.Args) <= i {
		return otherwise
	}
	n, err := strconv.ParseInt(os.Args[i], 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	random = rand.New(rand.NewSource(argument(1, 1)))
	out := json.NewEncoder(os.Stdout)
	for i := argument(2, 1500); i > 0; i-- {
		if err := out.Encode(row()); err != nil {
			panic(err)
		}
	}
}
