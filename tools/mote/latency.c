/* latency.c - what each layer takes at each precision on a machine, and what borders between precisions take
 * SPDX-License-Identifier: Apache-2.0
 *
 * The model runs whole, all of it in one precision, with the clock on each operator: a layer has its own time and that of what follows up to the next layer. The borders
 * are timed in a model of their own. Of several runs the least counts: what disturbs a run only adds. */
#include "base/platform.h"
#include "latency.h"
#include "files.h"
#include "graph/graph.h"
#include "onnx/write.h"
#include "print.h"
#include "profile.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROFILE_LIMIT = 32 << 20, BORDER_ELEMENTS = 65536 };

const char *const latency_precisions[LATENCY_PRECISIONS] = {"f32", "f16", "int8"};
static const char *const border_names[LATENCY_BORDERS] = {"to_f16", "to_f32", "quantize", "dequantize"};

static mote_quantized_layer layer_at(const trial *t, size_t i)
{
    mote_quantized_layer l = MOTE_QUANTIZED_LAYER_INIT;
    (void)mote_quantizer_layer_at(t->q, i, &l);
    return l;
}

/* ---- measuring ---- */

/* The layer that an event belongs to, looked for from the one after `from` on; SIZE_MAX: none. */
static size_t layer_of(const trial *t, size_t n, const char *name, size_t from)
{
    for (size_t k = 0; name[0] != 0 && k < n; k++) {
        const size_t i = (from + k) % n;
        if (strcmp(layer_at(t, i).node, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* The events of one run added up by layer; element n is what comes before the first. */
static void add_up(const profile *p, const trial *t, size_t n, double *ms)
{
    size_t at = n;
    memset(ms, 0, (n + 1) * sizeof *ms);
    for (size_t i = 0; i < p->n_last; i++) {
        if (p->last[i].depth != 0)
            continue;
        const size_t own = n != 0 ? layer_of(t, n, p->last[i].name, at == n ? 0 : at) : SIZE_MAX;
        at = own != SIZE_MAX ? own : at;
        ms[at] += (double)(p->last[i].end_ns - p->last[i].start_ns) * 1e-6;
    }
}

static mote_status measure_one(trial *t, size_t precision, size_t runs, latency *out, double *ms, mote_diag *diag)
{
    char *recipe = trial_recipe(latency_precisions[precision], NULL, NULL, 0, NULL);
    engine_options eo = t->o->engine;
    engine e;
    profile p;
    profile_init(&p);
    eo.profile = profile_event;
    eo.profile_ctx = &p;
    mote_status status = recipe != NULL ? trial_engine(t, recipe, &eo, &e, NULL, diag) : MOTE_NO_MEMORY(diag, 1);
    free(recipe);
    MOTE_TRY(status);
    for (size_t r = 0; r <= runs && status == MOTE_OK; r++) { /* the first warms up */
        profile_begin_run(&p);
        const double start = clock_ms();
        status = mote_session_run(e.session, NULL, diag);
        const double all = clock_ms() - start;
        if (r == 0 || status != MOTE_OK)
            continue;
        add_up(&p, t, out->n, ms);
        out->total[precision] = r == 1 || all < out->total[precision] ? all : out->total[precision];
        out->before[precision] = r == 1 ? ms[out->n] : fmin(out->before[precision], ms[out->n]);
        for (size_t i = 0; i < out->n; i++) {
            double *to = &out->ms[i * LATENCY_PRECISIONS + precision];
            *to = r == 1 ? ms[i] : fmin(*to, ms[i]);
        }
    }
    profile_deinit(&p);
    engine_close(&e);
    return status;
}

/* A model of the four borders, on BORDER_ELEMENTS elements. */
static mote_status measure_borders(const engine_options *o, size_t runs, latency *out, mote_diag *diag)
{
    static const char text[] = "module ir 8 opset \"\" 17 graph \"borders\" (x: float32[65536], q: uint8[65536], h: float16[65536]) {"
                               " const s: float32[] {0.01} const z: uint8[] {128}"
                               " a: float16[65536] = Cast(x) {to=10} as \"to_f16\" b: float32[65536] = Cast(h) {to=1} as \"to_f32\""
                               " c: uint8[65536] = QuantizeLinear(x, s, z) as \"quantize\" d: float32[65536] = DequantizeLinear(q, s, z) as \"dequantize\" return a, b, c, d }";
    mote_heap heap;
    mote_module *m;
    void *bytes = NULL;
    size_t n = 0;
    mote_heap_init(&heap, NULL, 0);
    MOTE_TRY(mote_module_parse(&heap, mote_str_c(text), &m, diag));
    mote_status status = mote_onnx_write_memory(m, &heap, &bytes, &n, diag);
    mote_module_destroy(&m);
    engine_options eo = *o;
    engine e;
    profile p;
    profile_init(&p);
    eo.profile = profile_event;
    eo.profile_ctx = &p;
    if (status == MOTE_OK)
        status = engine_load_memory(&e, bytes, n, &eo, diag);
    if (status == MOTE_OK)
        status = engine_open_model(&e, e.model, &eo, diag);
    if (status == MOTE_OK) {
        status = engine_feed_random(&e, NULL, NULL, 0, diag);
        for (size_t r = 0; r <= runs && status == MOTE_OK; r++) {
            profile_begin_run(&p);
            status = mote_session_run(e.session, NULL, diag);
            for (size_t i = 0; r != 0 && i < p.n_last; i++)
                for (size_t k = 0; k < LATENCY_BORDERS; k++)
                    if (strcmp(p.last[i].name, border_names[k]) == 0) {
                        const double ns = (double)(p.last[i].end_ns - p.last[i].start_ns) / BORDER_ELEMENTS;
                        out->border[k] = r == 1 ? ns : fmin(out->border[k], ns);
                    }
        }
        engine_close(&e);
    }
    profile_deinit(&p);
    mote_heap_free(&heap, bytes, n);
    return status;
}

static mote_status allocate(latency *l, size_t n, mote_diag *diag)
{
    *l = (latency){.n = n, .ms = calloc(n * LATENCY_PRECISIONS + 1, sizeof(double))};
    return l->ms != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, n * LATENCY_PRECISIONS * sizeof(double));
}

mote_status latency_measure(trial *t, size_t runs, latency *out, mote_diag *diag)
{
    MOTE_TRY(allocate(out, mote_quantizer_layer_count(t->q), diag));
    double *ms = calloc(out->n + 1, sizeof *ms);
    mote_status status = ms != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, out->n * sizeof *ms);
    for (size_t p = 0; p < LATENCY_PRECISIONS && status == MOTE_OK; p++)
        status = measure_one(t, p, runs, out, ms, diag);
    if (status == MOTE_OK)
        status = measure_borders(&t->o->engine, runs, out, diag);
    free(ms);
    if (status != MOTE_OK)
        latency_free(out);
    return status;
}

/* ---- the file ---- */

static json_t *by_precision(const double *v)
{
    json_t *j = json_object();
    for (size_t p = 0; p < LATENCY_PRECISIONS; p++)
        json_object_set_new(j, latency_precisions[p], json_real(v[p]));
    return j;
}

json_t *latency_json(const latency *l, const trial *t, size_t runs, uint64_t threads)
{
    json_t *layers = json_array(), *border = json_object();
    char features[256] = "";
    for (int i = 0; i < 31; i++)
        if ((mote_cpu_available() & 1u << i) != 0 && mote_cpu_name(1u << i) != NULL)
            snprintf(features + strlen(features), sizeof features - strlen(features), "%s%s", features[0] != 0 ? "," : "", mote_cpu_name(1u << i));
    for (size_t i = 0; i < l->n; i++) {
        const mote_quantized_layer q = layer_at(t, i);
        json_t *j = by_precision(&l->ms[i * LATENCY_PRECISIONS]);
        json_object_set_new(j, "node", json_string(visible_c(q.node)));
        json_object_set_new(j, "op", json_string(visible_c(q.op)));
        json_array_append_new(layers, j);
    }
    for (size_t k = 0; k < LATENCY_BORDERS; k++)
        json_object_set_new(border, border_names[k], json_real(l->border[k]));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "schema", "mote.profile/1", "model", t->model, "cpu", features, "threads", (json_int_t)threads, "runs",
                     (json_int_t)runs, "total_ms", by_precision(l->total), "before_ms", by_precision(l->before), "border_ns", border, "layers", layers);
}

static mote_status number_at(const json_t *j, const char *where, const char *name, double *out, mote_diag *diag)
{
    const json_t *v = json_object_get(j, name);
    *out = json_number_value(v);
    MOTE_REQUIRE(json_is_number(v) && *out >= 0 && isfinite(*out), diag, MOTE_E_FORMAT, "%s: '%s' is no number from 0 up", where, name);
    return MOTE_OK;
}

static mote_status read_profile(const json_t *root, const trial *t, latency *out, mote_diag *diag)
{
    const json_t *schema = json_object_get(root, "schema"), *layers = json_object_get(root, "layers");
    MOTE_REQUIRE(json_is_string(schema) && strcmp(json_string_value(schema), "mote.profile/1") == 0, diag, MOTE_E_FORMAT, "no profile: its schema is not mote.profile/1");
    for (size_t p = 0; p < LATENCY_PRECISIONS; p++) {
        MOTE_TRY(number_at(json_object_get(root, "before_ms"), "before_ms", latency_precisions[p], &out->before[p], diag));
        MOTE_TRY(number_at(json_object_get(root, "total_ms"), "total_ms", latency_precisions[p], &out->total[p], diag));
    }
    for (size_t k = 0; k < LATENCY_BORDERS; k++)
        MOTE_TRY(number_at(json_object_get(root, "border_ns"), "border_ns", border_names[k], &out->border[k], diag));
    MOTE_REQUIRE(json_is_array(layers) && json_array_size(layers) == out->n, diag, MOTE_E_ARGUMENT, "the profile has %zu layers, the model %zu", json_array_size(layers), out->n);
    for (size_t i = 0; i < out->n; i++) {
        const json_t *l = json_array_get(layers, i), *node = json_object_get(l, "node");
        const char *name = visible_c(layer_at(t, i).node);
        MOTE_REQUIRE(json_is_string(node) && strcmp(json_string_value(node), name) == 0, diag, MOTE_E_ARGUMENT, "layer %zu of the profile is '%s', of the model '%s'", i,
                     json_is_string(node) ? visible_c(json_string_value(node)) : "?", name);
        for (size_t p = 0; p < LATENCY_PRECISIONS; p++)
            MOTE_TRY(number_at(l, name, latency_precisions[p], &out->ms[i * LATENCY_PRECISIONS + p], diag));
    }
    return MOTE_OK;
}

mote_status latency_read(const char *path, const trial *t, latency *out, mote_diag *diag)
{
    void *text;
    size_t n;
    json_error_t e;
    *out = (latency){.n = 0};
    MOTE_TRY(file_read(path, PROFILE_LIMIT, &text, &n, diag));
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    free(text);
    MOTE_REQUIRE(root != NULL, diag, MOTE_E_FORMAT, "line %d: %s", e.line, e.text);
    mote_status status = allocate(out, mote_quantizer_layer_count(t->q), diag);
    if (status == MOTE_OK)
        status = read_profile(root, t, out, diag);
    json_decref(root);
    if (status != MOTE_OK)
        latency_free(out);
    return status;
}

double latency_border_ms(const latency *l, size_t from, size_t to)
{
    static const bool used[LATENCY_PRECISIONS][LATENCY_PRECISIONS][LATENCY_BORDERS] = {
        [0][1][LATENCY_TO_F16] = true,    [0][2][LATENCY_QUANTIZE] = true,   [1][0][LATENCY_TO_F32] = true,    [1][2][LATENCY_TO_F32] = true,
        [1][2][LATENCY_QUANTIZE] = true,  [2][0][LATENCY_DEQUANTIZE] = true, [2][1][LATENCY_DEQUANTIZE] = true, [2][1][LATENCY_TO_F16] = true};
    double ns = 0;
    for (size_t k = 0; k < LATENCY_BORDERS; k++)
        ns += used[from][to][k] ? l->border[k] : 0;
    return ns * 1e-6;
}

void latency_free(latency *l)
{
    free(l->ms);
    *l = (latency){.n = 0};
}
