/* cmd_bench.c - mote bench: cold start, warm latency, memory, time by operator
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "engine.h"
#include "files.h"
#include "inputs.h"
#include "profile.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench_options {
    engine_options engine;
    const char *inputs, *dims, *trace;
    uint64_t runs, warmup;
    double seconds;
    bool json, profile, overwrite;
} bench_options;

static const option_spec table[] = {
    {"inputs", OPTION_TEXT, offsetof(bench_options, inputs), "IN.npz", "inputs; without it, seeded random values"},
    {"dims", OPTION_TEXT, offsetof(bench_options, dims), "N=1,L=128", "sizes of named dimensions for random inputs; 1 where nothing says"},
    {"runs", OPTION_COUNT, offsetof(bench_options, runs), "N", "stop after N warm runs (1000), at least 3"},
    {"seconds", OPTION_NUMBER, offsetof(bench_options, seconds), "S", "or after S seconds (10), whichever comes first"},
    {"profile", OPTION_FLAG, offsetof(bench_options, profile), NULL, "time by operator and by node, over the warm runs"},
    {"trace", OPTION_TEXT, offsetof(bench_options, trace), "FILE", "write the last run as a Chrome trace (chrome://tracing, Perfetto)"},
    {"overwrite", OPTION_FLAG, offsetof(bench_options, overwrite), NULL, "replace a trace that exists"},
    ENGINE_OPTIONS(bench_options),
    OPTION_JSON(bench_options),
    OPTION_END};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Nearest rank. */
static double quantile(const double *sorted, size_t n, double q)
{
    size_t rank = (size_t)ceil(q * (double)n);
    return sorted[rank == 0 ? 0 : rank - 1];
}

typedef struct timing {
    double *ms;
    size_t n, cap;
} timing;

static bool note(timing *t, double ms)
{
    if (t->n == t->cap) {
        size_t cap = t->cap == 0 ? 1024 : t->cap * 2;
        double *grown = realloc(t->ms, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        t->ms = grown;
        t->cap = cap;
    }
    t->ms[t->n++] = ms;
    return true;
}

static mote_status measure(engine *e, const bench_options *o, profile *p, double *first, timing *t, mote_diag *diag)
{
    double start = clock_ms();
    MOTE_TRY(mote_session_run(e->session, NULL, diag));
    *first = clock_ms() - start;
    profile_reset(p);
    uint64_t runs = o->runs == 0 ? 1000 : o->runs < 3 ? 3 : o->runs;
    double end = clock_ms() + 1e3 * (isnan(o->seconds) ? 10 : o->seconds);
    while (t->n < runs && (t->n < 3 || clock_ms() < end)) {
        profile_begin_run(p);
        start = clock_ms();
        MOTE_TRY(mote_session_run(e->session, NULL, diag));
        if (!note(t, clock_ms() - start))
            return MOTE_NO_MEMORY(diag, t->n);
    }
    qsort(t->ms, t->n, sizeof *t->ms, by_value);
    return MOTE_OK;
}

static int report(const bench_options *o, const char *model, const engine *e, const profile *p, double first, const timing *t)
{
    double p50 = quantile(t->ms, t->n, 0.5), p90 = quantile(t->ms, t->n, 0.9), p99 = quantile(t->ms, t->n, 0.99), rss = peak_rss_mb();
    mote_memory_info m = MOTE_MEMORY_INFO_INIT;
    (void)mote_session_memory(e->session, &m);
    if (o->json) {
        json_t *j = json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "schema", "mote.bench/1", "model", model,
                              "runs", (int)t->n, "load_ms", e->load_ms, "first_ms", first, "p50_ms", p50, "p90_ms", p90, "p99_ms", p99, "min_ms",
                              t->ms[0], "max_ms", t->ms[t->n - 1], "peak_rss_mb", rss, "model_bytes", (json_int_t)m.model_bytes, "mapped_bytes",
                              (json_int_t)m.mapped_bytes, "arena_bytes", (json_int_t)m.arena_bytes, "session_bytes", (json_int_t)m.session_bytes);
        if (j != NULL && o->profile)
            json_object_set_new(j, "profile", profile_json(p, t->n));
        return tool_print_json(j);
    }
    printf("load    %10.3f ms   model file to session\nfirst   %10.3f ms   first inference\n", e->load_ms, first);
    printf("p50     %10.3f ms   warm, %zu runs\np90     %10.3f ms\np99     %10.3f ms\nmin     %10.3f ms\n", p50, t->n, p90, p99, t->ms[0]);
    printf("memory  %10.1f MB   peak resident; weights and graph %.1f, mapped files %.1f, tensors %.1f\n", rss, (double)m.model_bytes / 1e6,
           (double)m.mapped_bytes / 1e6, (double)m.arena_bytes / 1e6);
    if (o->profile)
        profile_print(p, t->n);
    return EXIT_DONE;
}

static int run_bench(void *values, int n, char **operand)
{
    bench_options *o = values;
    if (n != 1)
        return tool_usage(&(command){.name = "bench", .usage = "MODEL [options]"}, "give one model");
    mote_diag diag = MOTE_DIAG_INIT;
    const char *at = operand[0];
    profile p;
    profile_init(&p);
    if (o->profile || o->trace != NULL) {
        o->engine.profile = profile_event;
        o->engine.profile_ctx = &p;
    }
    engine e = {0};
    timing t = {NULL, 0, 0};
    double first = 0;
    mote_status status = file_output_allowed(o->trace, o->overwrite, &diag);
    if (status == MOTE_OK)
        status = engine_open(&e, operand[0], &o->engine, &diag);
    if (status == MOTE_OK && o->inputs != NULL) {
        named_arrays in = {0};
        status = inputs_read(o->inputs, e.model, &in, &diag);
        at = status == MOTE_OK ? at : o->inputs;
        if (status == MOTE_OK)
            status = engine_admit(&e, &in, &diag);
        if (status == MOTE_OK)
            status = engine_feed(&e, &in, &diag);
        named_arrays_free(&in);
    } else if (status == MOTE_OK) {
        status = engine_feed_random(&e, o->dims, NULL, 0, &diag);
    }
    if (status == MOTE_OK)
        status = measure(&e, o, &p, &first, &t, &diag);
    if (status == MOTE_OK && o->trace != NULL)
        status = profile_write_trace(&p, o->trace, o->overwrite, &diag);
    int code = status == MOTE_OK ? report(o, operand[0], &e, &p, first, &t) : tool_fail(o->json, at, status, &diag);
    engine_close(&e);
    profile_deinit(&p);
    free(t.ms);
    return code;
}

extern const command command_bench;
const command command_bench = {
    "bench", "MODEL [options]", "measure start-up, latency, memory, and time by operator",
    "Runs once cold, then warm until --runs or --seconds is reached, at least 3 times. Times are wall-clock milliseconds; quantiles are by nearest rank.",
    table, sizeof(bench_options), run_bench};
