"""promql_gen.py - random PromQL over the series of samples.py; no test.

Expressions are made top down by type. What a server does not implement yet is switched off by
the names in PROBES, whose queries the caller asks first. Evaluation times end in 7 ms, ranges,
offsets and steps are whole tens of ms, so nothing lies on a border (see samples.py)."""
import samples

# name: a query that needs it. Off unless both servers answer.
PROBES = {
    "vector matching": "up + up", "set operators": "up and up",
    "subquery": "max_over_time(up[10m:1m])",
    **{f"{op}": f"{op}(up)" for op in ["group", "stddev", "stdvar"]},
    "topk": "topk(1, up)", "bottomk": "bottomk(1, up)", "quantile": "quantile(0.5, up)",
    "count_values": 'count_values("v", up)',
    **{f: f"{f}(up)" for f in
       ["abs", "absent", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh",
        "day_of_month", "day_of_week", "day_of_year", "days_in_month", "deg", "exp", "floor",
        "hour", "ln", "log10", "log2", "minute", "month", "rad", "round", "sgn", "sin", "sinh",
        "sort", "sort_desc", "sqrt", "tan", "tanh", "timestamp", "year", "scalar"]},
    "clamp": "clamp(up, 0, 1)", "clamp_min": "clamp_min(up, 1)", "clamp_max": "clamp_max(up, 1)",
    "time": "time()", "pi": "pi()", "vector": "vector(1)",
    "label_replace": 'label_replace(up, "a", "$1", "job", "(.*)")',
    "label_join": 'label_join(up, "a", "-", "job", "instance")',
    "histogram_quantile": "histogram_quantile(0.5, latency_seconds_bucket)",
    **{f: f"{f}(up[5m])" for f in
       ["absent_over_time", "changes", "deriv", "present_over_time", "resets",
        "stddev_over_time", "stdvar_over_time"]},
    "predict_linear": "predict_linear(up[5m], 60)",
    "quantile_over_time": "quantile_over_time(0.5, up[5m])",
    "double_exponential_smoothing": "double_exponential_smoothing(up[5m], 0.5, 0.5)",
}
METRICS = ["http_requests_total", "cpu_seconds_total", "temperature", "memory_bytes", "up",
           "build_info", "weird", "flaky", "latency_seconds_bucket"] * 3 + ["odd", "no_such_metric"]
COUNTERS = ["http_requests_total", "cpu_seconds_total"]
NUMERIC = ["temperature", "memory_bytes", "up", "flaky", "http_requests_total"]
VALUES = {"job": ["a", "b", "c", "d"], "instance": ["host-0:9090", "host-1:9090", "host-3:9090"],
          "method": ["GET", "POST"], "code": ["200", "404", "500"], "zone": ["z0", "z3", "z9"],
          "room": ["", "attic", "cellar"], "shard": ["0", "1"], "replica": ["0", "1", "2"],
          "kind": ["nan", "mixed", "huge"], "text": samples.ODD_VALUES, "nowhere": ["", "x"]}
PATTERNS = {"job": ["a|b", "[^c]", ".*", ".+", "", "(?i:A)", "a.*|c"],
            "instance": ["host-.*", "host-[0-2]:9090", ".*:9090", "host-1:9090|host-3:9090", "1"],
            "code": ["2..", "4..|5..", "[45].*", ".+", ""], "zone": ["z[0-2]", "z.", "|z1", ".*"],
            "room": ["", "|attic", ".+", "a.*"], "kind": ["n.*", "inf|neginf", ".*i.*"],
            "text": [".*quote.*", ".*[{].*", "(?s:.*)%.*"], "nowhere": [".*", ".+"],
            "__name__": [".*_total", "up|build_info", "t.*e", "http_.+|cpu_.+"]}
OWN_LABELS = {"http_requests_total": "job instance method code", "up": "job instance",
              "cpu_seconds_total": "job instance", "temperature": "job instance zone room",
              "memory_bytes": "job instance", "build_info": "job instance",
              "weird": "kind", "flaky": "job shard replica", "odd": "text"}
LABELS = ["job", "instance", "method", "code", "zone", "room", "shard", "replica", "nowhere"]
ROLLUPS = ["sum_over_time", "avg_over_time", "min_over_time", "max_over_time",
           "count_over_time", "last_over_time", "delta", "idelta", "irate"]
MORE_ROLLUPS = ["absent_over_time", "changes", "deriv", "present_over_time", "resets",
                "stddev_over_time", "stdvar_over_time", "predict_linear", "quantile_over_time",
                "double_exponential_smoothing"]
MAPS = ["abs", "absent", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh",
        "day_of_month", "day_of_week", "day_of_year", "days_in_month", "deg", "exp", "floor",
        "hour", "ln", "log10", "log2", "minute", "month", "rad", "round", "sgn", "sin", "sinh",
        "sqrt", "tan", "tanh", "timestamp", "year", "clamp", "clamp_min", "clamp_max", "vector",
        "label_replace", "label_join", "histogram_quantile", "sort", "sort_desc"]
STEEP = ["ceil", "cos", "cosh", "exp", "floor", "round", "sgn", "sin", "sinh", "tan"]
DATES = [f for f in MAPS if f.startswith("day") or f in ("hour", "minute", "month", "year")]
REPLACED = ["(.*)", "host-(.*):.*", "(a|b)", "", "zzz", "(.)(.*)", "(?P<x>.)b*", "[a-c]", "host.*"]
TEMPLATES = ["$1", "x-$1", "${1}y", "", "const", "$2$1", "$0", "$x", "$$"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"]
COMPARE = ["==", "!=", "<", "<=", ">", ">="]
QUOTES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def quoted(text):
    return '"' + text.translate(QUOTES) + '"'


class Generator:
    """`enabled`: the names of PROBES that may be used."""

    def __init__(self, rng, enabled):
        self.rng, self.enabled = rng, enabled
        self.nested = False  # within a subquery
        self.maps = [f for f in MAPS if f in enabled]
        self.rollups = ROLLUPS + [f for f in MORE_ROLLUPS if f in enabled]
        self.aggregations = ["sum", "avg", "min", "max", "count"] * 3 + [
            op for op in ["group", "stddev", "stdvar", "topk", "bottomk", "quantile",
                          "count_values"] if op in enabled]

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, values):
        return self.rng.choice(values)

    # --- selectors

    def matcher(self, metric):
        """Mostly on labels that the metric has."""
        own = [n for n in OWN_LABELS.get(metric, "").split() if n in VALUES]
        if self.chance(0.6):
            name = self.pick(own if own and self.chance(0.9) else list(VALUES))
            return name + self.pick(["=", "=", "=", "!="]) + quoted(self.pick(VALUES[name]))
        own = [n for n in own if n in PATTERNS]
        if not own or self.chance(0.1):
            own = [n for n in PATTERNS if n != "__name__"]
        name = self.pick(own)
        return name + self.pick(["=~", "=~", "!~"]) + quoted(self.pick(PATTERNS[name]))

    def selector(self, metrics=METRICS):
        """Without the modifiers behind a range."""
        name = self.pick(metrics)
        matchers = [self.matcher(name) for _ in range(self.pick([0, 0, 0, 0, 1, 1, 2, 3]))]
        if self.chance(0.1):
            matchers.insert(0, "__name__" + self.pick(["=", "=~"]) + quoted(name))
            name = ""
        elif self.chance(0.03) and metrics is METRICS:
            matchers.insert(0, "__name__" + self.pick(["=~", "!~"])
                            + quoted(self.pick(PATTERNS["__name__"])))
            matchers.append('job=~".+"')
            name = ""
        elif self.chance(0.05) and metrics is METRICS:
            matchers.insert(0, self.pick(['job="a"', 'job=~"b|c"', 'zone=~".+"',
                                          '__name__=~".+",job!="zero"']))
            name = ""
        return name + ("{" + ",".join(matchers) + "}" if matchers else "")

    def modifiers(self):
        out = ""
        if self.chance(0.15):
            out += " offset " + self.pick(["5m", "1m30s", "-3m", "20m", "-10m", "130ms"])
        if self.chance(0.12):
            at = samples.BEGIN_MS + self.rng.randrange(0, samples.SPAN_MS, 10) + 7
            at = f"{at // 1000}.{at % 1000:03}"
            out += " @ " + self.pick([at, at, "start()", "end()"])
        return out

    def duration(self):
        return self.pick(["30s", "1m", "90s", "2m", "5m", "5m", "10m", "17m30s", "1h", "10ms",
                          "45s", "3h"])

    def matrix(self, depth, metrics=METRICS):
        if "subquery" in self.enabled and depth > 0 and self.chance(0.2 if self.nested else 0.3):
            outer, self.nested = self.nested, True
            inner = self.vector(depth - 1) if metrics is METRICS else self.selector(metrics)
            self.nested = outer
            step = self.pick(["30s", "1m", "15s", "", "50s", "7s"])
            # At least one step: 3.x and 2.42, and we, differ in what errors none of them has.
            span = self.pick(["1m", "2m", "5m", "10m", "17m30s"] + ["1h", "3h"] * (step != "7s"))
            if self.nested:  # both stand at round times: only an offset keeps them off borders
                return f"({inner})[{span}:{step}] offset {self.pick(['7ms', '-7ms', '2m7ms'])}"
            return f"({inner})[{span}:{step}]" + self.modifiers()
        return f"{self.selector(metrics)}[{self.duration()}]" + self.modifiers()

    # --- expressions

    def number(self):
        return self.pick(["0", "1", "2", "-1", "0.5", "20", "1000", "1e3", "0x10", "Inf", "NaN",
                          "-Inf", "3.125", "1e-3", ".5", "100000"])

    def scalar(self, depth):
        choice = self.rng.random()
        if depth <= 0 or choice < 0.6:
            return self.number()
        if choice < 0.75:
            op = self.pick(ARITHMETIC[:4])
            return f"({self.scalar(depth - 1)} {op} {self.scalar(depth - 1)})"
        if choice < 0.8:
            return (f"({self.scalar(depth - 1)} {self.pick(COMPARE)} bool "
                    f"{self.scalar(depth - 1)})")
        if choice < 0.85:
            return f"-({self.scalar(depth - 1)})"
        if choice < 0.9 and "scalar" in self.enabled:
            return f"scalar({self.vector(depth - 1)})"
        for name in ["time", "pi"]:
            if name in self.enabled and self.chance(0.5):
                return f"{name}()"
        return self.number()

    def grouping(self):
        if self.chance(0.25):
            return ""
        labels = self.rng.sample(LABELS, self.pick([0, 1, 1, 2, 3]))
        return f" {self.pick(['by', 'by', 'without'])} ({', '.join(labels)}) "

    def aggregation(self, depth):
        op = self.pick(self.aggregations)
        inner = self.vector(depth - 1)
        if op in ("topk", "bottomk"):
            k = self.pick(["0", "1", "2", "5", "-1", "2.9", self.scalar(1)])
            inner = f"{k}, {self.selector(['temperature'])}{self.modifiers()}"
        elif op in ("stddev", "stdvar"):  # of one infinity 2.42 says 0, 3.x NaN
            inner = self.pick([self.selector(NUMERIC), f"rate({self.selector(COUNTERS)}[5m])"])
        elif op == "quantile":
            q = self.pick(["0", "0.5", "0.9", "1", "-1", "2", "0.25", self.scalar(1)])
            inner = f"{q}, {inner}"
        elif op == "count_values":
            values = self.selector() if self.chance(0.7) else f"floor({self.selector(NUMERIC)})"
            label = self.pick(["v", "job", "nowhere", ""])
            inner = f'"{label}", {values}'
            if label:  # 2.42 looks for groups in sorted labels, and appends this one at each step
                labels = [n for n in sorted(self.rng.sample(LABELS, 2)) if n < label]
                by = self.pick([f" by ({', '.join(labels)}) ", " without (instance) ", ""])
                return f"count_values{by}({inner})"
        by = self.grouping()
        return f"{op}{by}({inner})" if self.chance(0.7) else f"{op}({inner}){by}"

    def rollup(self, depth):
        if self.chance(0.4):
            function = self.pick(["rate", "increase"])
            return f"{function}({self.matrix(depth, COUNTERS)})"
        function = self.pick(self.rollups)
        metrics = METRICS
        if function in ("deriv", "predict_linear"):
            metrics = NUMERIC
        exact = function in ("changes", "resets")  # these see a difference in the last digit
        inner = self.matrix(depth if metrics is METRICS else 0, NUMERIC if exact else metrics)
        if function == "predict_linear":  # with @, 2.42 lets the window move with the steps
            inner = inner.split(" @ ")[0]
        if function == "predict_linear":
            inner += ", " + self.pick(["0", "60", "-300", "3600"])
        if function == "double_exponential_smoothing":
            inner += ", " + self.pick(["0.5, 0.5", "0.1, 0.9", "1, 0.5", "0.5, 0"])
        if function == "quantile_over_time":
            inner = self.pick(["0", "0.5", "0.9", "1", "-1", "2"]) + ", " + inner
        return f"{function}({inner})"

    def mapped(self, depth):
        function = self.pick(self.maps)
        inner = self.vector(depth - 1)
        if function in STEEP:  # these blow up a difference in the last digit, or overflow
            inner = self.pick([self.selector(["up", "temperature", "flaky"]), "(temperature / 8)",
                               "weird", "(up - 2)"])
        if function in DATES:  # ours know no year beyond 30 million, Go's wrap
            inner = self.pick(["", self.selector(NUMERIC), f"({self.selector(NUMERIC)} * 1e5)"])
        if function == "timestamp" and " @ " in inner:  # 2.42 forgets the offset of a selector
            inner = self.selector() + self.pick([" offset 2m", " @ end()", " @ start()"])
        if function == "vector":
            return f"vector({self.scalar(depth - 1)})"
        if function == "clamp":
            return f"clamp({inner}, {self.number()}, {self.number()})"
        if function in ("clamp_min", "clamp_max"):
            return f"{function}({inner}, {self.scalar(depth - 1)})"
        if function == "round":
            return f"round({inner}{self.pick(['', ', 5', ', 0.1', ', 0.25'])})"
        if function == "label_replace":
            target = self.pick(["job", "new", "zone", "instance", "__name__", "", "le"])
            return (f'label_replace({inner}, "{target}", "{self.pick(TEMPLATES)}", '
                    f'"{self.pick(["job", "instance", "nowhere", "__name__", "code"])}", '
                    f'"{self.pick(REPLACED)}")')
        if function == "label_join":
            target = self.pick(["job", "new", "instance", "__name__", ""])
            sources = self.pick([', "job", "instance"', ', "zone"', ', "nowhere"', "",
                                 ', "__name__", "nowhere", "job"', ', "job", "job"', ', ""'])
            return f'label_join({inner}, "{target}", "{self.pick(["-", "", "::"])}"{sources})'
        if function == "histogram_quantile":
            inner = self.pick(["latency_seconds_bucket", "rate(latency_seconds_bucket[10m])",
                               "sum by (le) (latency_seconds_bucket)",
                               'latency_seconds_bucket{job="a"}', "up",
                               "latency_seconds_bucket % 7", "-latency_seconds_bucket",
                               'latency_seconds_bucket{le!="+Inf"}',
                               'latency_seconds_bucket{le="+Inf"}', "latency_seconds_bucket * 0",
                               'sum by (le, job) (rate(latency_seconds_bucket{le!~"0.*"}[5m]))',
                               'label_replace(latency_seconds_bucket, "le", "x$1", "le", "0.1|1")',
                               'label_replace(latency_seconds_bucket, "le", "1", "le", "0.*")',
                               "sum without (job) (increase(latency_seconds_bucket[17m]))",
                               self.selector(["latency_seconds_bucket"]) + self.modifiers()])
            q = self.pick(["0", "0.5", "0.99", "1", "2", "-1", "Inf", "-Inf", "scalar(up / 2)",
                           "0.25 + scalar(up) / 2"])
            if "scalar" in q:  # of NaN 3.x says NaN, 2.42 a bound
                q = f"scalar(sum({self.pick(['up', 'flaky'])}) / 8 or vector(0.5))"
            return f"histogram_quantile({q}, {inner})"
        return f"{function}({inner})"

    def scalar_binary(self, depth):
        sides = [self.vector(depth - 1), self.scalar(depth - 1)]
        self.rng.shuffle(sides)
        if self.chance(0.6):
            op = self.pick(ARITHMETIC)
            if op in ("%", "^"):  # these blow up a difference in the last digit: exact values only
                return f"({self.selector()} {op} {self.number()})"
            if op == "atan2":  # 3.x drops the names, 2.42 does not
                sides = [f"(0 + {side})" for side in sides]
            return f"({sides[0]} {op} {sides[1]})"
        return f"({sides[0]} {self.pick(COMPARE)} {self.pick(['', '', 'bool '])}{sides[1]})"

    def join(self):
        """A binary operator whose sides do meet."""
        def side():
            inner = self.pick([self.selector(["temperature", "up", "memory_bytes"]),
                               f"rate({self.pick(COUNTERS)}[5m])", "flaky", self.rollup(0)])
            return f"{self.pick(['sum', 'max', 'count', 'avg'])} by ({by}) ({inner})"
        by = self.pick(["job", "instance", "job, instance", ""])
        left, right, match = side(), side(), ""
        if self.chance(0.3):
            match = f"on ({by}) "
        if self.chance(0.4) and by:
            left, match = self.selector(["temperature", "up"]), f"on ({by}) group_left "
            if self.chance(0.5):
                left, right, match = right, left, match.replace("left", "right")
        op = self.pick(ARITHMETIC[:4] + ["> bool ", "<", "!="])
        return f"({left} {op} {match}{right})"

    def vector_binary(self, depth):
        if self.chance(0.35):
            return self.join()
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        if self.chance(0.6):
            metric = self.pick(["temperature", "up", "memory_bytes", "flaky"])
            left, right = self.selector([metric]), self.selector([metric, "up"])
        labels = self.pick(["job", "instance", "job, instance", "zone", "", "instance, zone"])
        match = self.pick([f"on ({labels}) ", f"ignoring ({labels}) ", "", ""])
        if "set operators" in self.enabled and self.chance(0.35):
            return f"({left} {self.pick(['and', 'or', 'unless'])} {match}{right})"
        op = self.pick(ARITHMETIC[:4])
        if self.chance(0.4):
            op = self.pick(COMPARE) + self.pick(["", "", " bool"])
        if match and self.chance(0.5):
            if self.chance(0.8):  # a join that is often possible
                left, right = self.selector(["temperature", "up", "memory_bytes"]), "build_info"
                match = self.pick(["on (instance) ", "on (job, instance) "])
            side = self.pick(["group_left", "group_right"])
            if side == "group_right" and right == "build_info":
                left, right = right, left
            match += side + " " + self.pick(["", "() ", "(version) ", "(room) ", "(job) ",
                                             "(__name__) ",
                                             "(nowhere, version) ", "(instance, room) "])
            if "bool" in op:  # a name that group_left brings stays in 3.x
                match = match.replace("(__name__) ", "")
        return f"({left} {op} {match}{right})"

    def collision(self, depth):
        """Often refused while it is evaluated, and not at every step."""
        names = self.pick(["up|build_info", "temperature|up", "up|flaky", ".+s"])
        both = "{__name__=~" + quoted(names) + "}"
        return self.pick([
            f"delta({both}[{self.duration()}])", f"abs({both})", f"({both} * 2)",
            f"{both} > bool 1",
            f"{both} > {self.pick(['0', '20', '25', '39'])}", f"sum by (job) ({both})",
            f"max_over_time({both}[1m])", f"last_over_time({both}[2m])", f"-({both} > 39)",
            f"sum(({both} > {self.pick(['0', '1', '39'])}) + 1)", f"timestamp({both})",
            f"({both} + on (instance) {self.vector(depth - 1)})",
            f"({self.vector(depth - 1)} * ignoring (job) {both})",
            f"({both} / on (instance, __name__) {both})",
            f'label_replace({both}, "__name__", "x", "", "")',
            f'label_join({self.vector(depth - 1)}, "instance", "")',
            f'label_replace({self.vector(depth - 1)}, "job", "", "", "")',
            f"scalar({both})", f"topk(NaN, {self.vector(depth - 1)})",
            f"bottomk(Inf, {both})", f"quantile(NaN, {both})",
            f'label_replace({both}, "a", "$1", "job", "{self.pick(["(", "a{2,1}", "[", "*"])}")'])

    def vector(self, depth):
        choice = self.rng.random()
        if depth <= 0 or choice < 0.1:
            return self.selector() + self.modifiers()
        if choice < 0.125 and {"vector matching", "label_replace", "timestamp"} <= self.enabled:
            return self.collision(depth)
        if choice < 0.4:
            return self.rollup(depth)
        if choice < 0.58:
            return self.aggregation(depth)
        if choice < 0.7 and self.maps:
            return self.mapped(depth)
        if choice < 0.88 and "vector matching" in self.enabled:
            return self.vector_binary(depth)
        if choice < 0.95:
            return self.scalar_binary(depth)
        return self.pick(["-", "-", "+"]) + self.vector(depth - 1)

    def instant(self):
        choice = self.rng.random()
        if choice < 0.06:
            return self.matrix(1)
        if choice < 0.1:
            return self.scalar(3)
        if choice < 0.11:
            return quoted(self.pick(samples.ODD_VALUES))
        return self.vector(self.pick([0, 1, 1, 2, 2, 2, 3, 4]))

    def ranged(self):
        if self.chance(0.03):
            return self.scalar(3)
        if self.chance(0.03):  # not of instant queries: 2.42 fails with strings and @ in these
            return f"({self.vector(1)})"
        return self.vector(self.pick([0, 1, 1, 2, 2, 2, 3, 4]))

    # --- requests

    def time_ms(self):
        """Now and then outside of the data."""
        return (samples.BEGIN_MS - 60_000 + self.rng.randrange(0, samples.SPAN_MS + 400_000, 10)
                + 7)

    def request(self):
        """(endpoint, parameters)"""
        begin = self.time_ms()
        if self.chance(0.45):
            return "query", {"query": self.written(self.instant()), "time": time_text(begin)}
        step = self.pick([10, 1000, 15_000, 15_000, 30_000, 60_000, 61_230, 300_000, 1_000_000])
        end = begin + self.rng.randrange(0, 60) * step + self.pick([0, 0, step // 20 * 10])
        return "query_range", {"query": self.written(self.ranged()), "start": time_text(begin),
                               "end": time_text(end), "step": self.step_text(step)}

    def written(self, query):
        """Now and then as few people would write it."""
        if self.chance(0.9):
            return query
        for word in ["by", "without", "offset", "bool", "and", "or", "unless", "on", "ignoring",
                     "group_left", "group_right", "sum", "max", "count_values"]:
            if self.chance(0.5):
                query = query.replace(f" {word} ", f"\t{word.upper()} # {word}\n ")
        if self.chance(0.3):
            query = query.replace("(", "( ").replace(",", " ,\n").replace("[", " [ ")
        return f" {query}\n" if self.chance(0.3) else query

    def step_text(self, ms):
        return self.pick([f"{ms}ms", f"{ms / 1000:g}"] + ([f"{ms // 1000}s"] * (ms % 1000 == 0)))


def time_text(ms):
    return f"{ms // 1000}.{ms % 1000:03}"
