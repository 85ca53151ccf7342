/* engine.c - what the commands share: opening a model with the common options, feeding it, reporting
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "engine.h"
#include "base/diag.h"
#include "decoder.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

double peak_rss_mb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (f != NULL)
        fclose(f);
    if (kb == 0) {
        struct rusage u;
        getrusage(RUSAGE_SELF, &u);
        kb = u.ru_maxrss;
    }
    return (double)kb / 1024;
}

/* ---- opening ---- */

static mote_status cpu_mask(const char *list, uint32_t *mask, mote_diag *diag)
{
    *mask = 0;
    if (list == NULL)
        return MOTE_OK;
    *mask = 1u << 31; /* not 0, which means all; no feature has this bit */
    if (strcmp(list, "none") == 0)
        return MOTE_OK;
    char copy[256], *save = NULL;
    MOTE_REQUIRE(strlen(list) < sizeof copy, diag, MOTE_E_ARGUMENT, "--cpu %s: too long", list);
    strcpy(copy, list);
    for (char *name = strtok_r(copy, ",", &save); name != NULL; name = strtok_r(NULL, ",", &save)) {
        uint32_t bit = 0;
        for (int i = 0; i < 31; i++)
            if (mote_cpu_name(1u << i) != NULL && strcmp(mote_cpu_name(1u << i), name) == 0)
                bit = 1u << i;
        MOTE_REQUIRE(bit != 0, diag, MOTE_E_ARGUMENT, "--cpu: '%s' is no CPU feature", name);
        MOTE_REQUIRE((mote_cpu_available() & bit) != 0, diag, MOTE_E_ARGUMENT, "--cpu: this CPU has no %s", name);
        *mask |= bit;
    }
    return MOTE_OK;
}

mote_status engine_load_options(const engine_options *o, engine_providers *room, mote_load_options *load, mote_diag *diag)
{
    *load = (mote_load_options)MOTE_LOAD_OPTIONS_INIT;
    MOTE_TRY(cpu_mask(o->cpu, &load->cpu_mask, diag));
    for (size_t i = 0; i < o->plugins.n; i++)
        MOTE_TRY(mote_provider_load(o->plugins.items[i], diag));
    if (o->providers != NULL) {
        char *save = NULL;
        size_t n = 0;
        MOTE_REQUIRE(strlen(o->providers) < sizeof room->text, diag, MOTE_E_ARGUMENT, "--provider %s: too long", o->providers);
        *room = (engine_providers){{NULL}, ""};
        strcpy(room->text, o->providers);
        for (char *p = strtok_r(room->text, ",", &save); p != NULL && n < 8; p = strtok_r(NULL, ",", &save))
            room->names[n++] = p;
        load->providers = room->names;
    }
    const bool bf16 = o->precision != NULL && strcmp(o->precision, "bf16") == 0;
    MOTE_REQUIRE(o->precision == NULL || bf16 || strcmp(o->precision, "f32") == 0, diag, MOTE_E_ARGUMENT, "--precision %s: expected f32 or bf16", o->precision);
    load->arithmetic = bf16 ? MOTE_ARITHMETIC_BF16 : MOTE_ARITHMETIC_F32;
    load->memory_limit = (size_t)o->memory_limit;
    load->disabled_passes = o->disable;
    load->reference = o->reference;
    load->copy = o->copy;
    load->stop_after = o->stop_after;
    load->keep_optional_inputs = o->keep_optional;
    load->custom_ops = tool_operators();
    return MOTE_OK;
}

/* From the path or, when it is NULL, from memory. */
static mote_status load_model(engine *e, const char *path, const void *bytes, size_t n_bytes, const engine_options *o, mote_diag *diag)
{
    *e = (engine){.path = path, .options = *o};
    engine_providers room;
    mote_load_options load;
    MOTE_TRY(engine_load_options(o, &room, &load, diag));
    double start = clock_ms();
    mote_status status = path != NULL ? mote_model_load_path(path, &load, &e->model, diag) : mote_model_load_memory(bytes, n_bytes, &load, &e->model, diag);
    e->load_ms = clock_ms() - start;
    return status;
}

mote_status engine_load(engine *e, const char *path, const engine_options *o, mote_diag *diag) { return load_model(e, path, NULL, 0, o, diag); }

mote_status engine_load_memory(engine *e, const void *bytes, size_t n, const engine_options *o, mote_diag *diag) { return load_model(e, NULL, bytes, n, o, diag); }

static mote_status open_session(engine *e, const engine_options *o, mote_diag *diag)
{
    mote_session_options s = MOTE_SESSION_OPTIONS_INIT;
    s.threads = (unsigned)o->threads;
    s.memory_limit = (size_t)o->memory_limit;
    s.step_limit = o->step_limit;
    s.random_seed = o->random_seed;
    s.profile = o->profile;
    s.profile_ctx = o->profile_ctx;
    s.tap = o->tap;
    s.tap_ctx = o->tap_ctx;
    mote_status status = mote_session_create(e->model, &s, &e->session, diag);
    if (status != MOTE_OK)
        engine_close(e);
    else
        tool_watch_session(e->session);
    return status;
}

mote_status engine_open(engine *e, const char *path, const engine_options *o, mote_diag *diag)
{
    double start = clock_ms();
    MOTE_TRY(engine_load(e, path, o, diag));
    mote_status status = open_session(e, o, diag);
    e->load_ms = clock_ms() - start;
    return status;
}

mote_status engine_open_model(engine *e, mote_model *model, const engine_options *o, mote_diag *diag)
{
    *e = (engine){.model = model, .options = *o};
    return open_session(e, o, diag);
}

void engine_close(engine *e)
{
    tool_watch_session(NULL);
    mote_session_destroy(&e->session);
    mote_model_destroy(&e->model);
}

mote_status engine_admit(engine *e, const named_arrays *in, mote_diag *diag)
{
    engine_options kept = e->options;
    for (size_t i = 0; i < in->n && !kept.keep_optional; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        const size_t at = mote_model_input_index(e->model, in->items[i].name);
        kept.keep_optional = at != SIZE_MAX && mote_model_input_info(e->model, at, &info) == MOTE_OK && info.optional;
    }
    if (kept.keep_optional == e->options.keep_optional)
        return MOTE_OK;
    const char *path = e->path;
    engine_close(e);
    return engine_open(e, path, &kept, diag);
}

/* ---- feeding ---- */

static mote_status prepare(engine *e, const mote_array *const *arrays, mote_diag *diag)
{
    size_t n = mote_model_input_count(e->model);
    mote_tensor *shapes = calloc(n + 1, sizeof *shapes);
    if (shapes == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *shapes);
    mote_status status = MOTE_OK;
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        shapes[i] = (mote_tensor)MOTE_TENSOR_INIT;
        if (arrays[i] != NULL && mote_tensor_describe(&shapes[i], arrays[i]->dtype, arrays[i]->rank, arrays[i]->dims, NULL) != MOTE_OK)
            status = mote_fail(diag, MOTE_E_SHAPE, "input %zu is too large", i);
    }
    if (status == MOTE_OK)
        status = mote_session_prepare(e->session, shapes, n, diag);
    free(shapes);
    return status;
}

mote_status engine_feed(engine *e, const named_arrays *inputs, mote_diag *diag)
{
    size_t n = mote_model_input_count(e->model), required = 0;
    const mote_array **arrays = calloc(n + 1, sizeof *arrays);
    if (arrays == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *arrays);
    mote_status status = MOTE_OK;
    size_t found = 0;
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        status = mote_model_input_info(e->model, i, &info);
        arrays[i] = named_arrays_find(inputs, info.name);
        required += !info.optional;
        if (arrays[i] == NULL && inputs->n == 1 && inputs->items[0].name[0] == 0 && required == 1 && !info.optional)
            arrays[i] = &inputs->items[0].array;
        found += arrays[i] != NULL;
        if (arrays[i] == NULL && !info.optional)
            status = mote_fail(diag, MOTE_E_ARGUMENT, "no array for input '%s'", info.name);
    }
    for (size_t k = 0; k < inputs->n && status == MOTE_OK && found < inputs->n; k++) {
        bool used = inputs->items[k].name[0] == 0;
        for (size_t i = 0; i < n; i++)
            used = used || arrays[i] == &inputs->items[k].array;
        if (!used)
            status = mote_fail(diag, MOTE_E_ARGUMENT, "the model has no input '%s'", inputs->items[k].name);
    }
    if (status == MOTE_OK)
        status = prepare(e, arrays, diag);
    for (size_t i = 0; i < n && status == MOTE_OK; i++)
        if (arrays[i] != NULL && arrays[i]->bytes != 0)
            memcpy(mote_tensor_map(mote_session_input(e->session, i)), arrays[i]->data, arrays[i]->bytes);
    free(arrays);
    return status;
}

mote_status engine_inputs(const engine *e, named_arrays *out, mote_diag *diag)
{
    const size_t n = mote_model_input_count(e->model);
    *out = (named_arrays){calloc(n + 1, sizeof *out->items), 0};
    if (out->items == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *out->items);
    for (size_t i = 0; i < n; i++) {
        const mote_tensor *x = mote_session_input(e->session, i);
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        if (mote_model_input_info(e->model, i, &info) != MOTE_OK || x == NULL || info.optional)
            continue;
        mote_array a = {.dtype = x->dtype, .rank = x->rank, .data = mote_tensor_map(x), .bytes = x->bytes};
        memcpy(a.dims, x->shape, sizeof a.dims);
        out->items[out->n++] = (named_array){(char *)(uintptr_t)info.name, a}; /* read only */
    }
    return MOTE_OK;
}

/* ---- random inputs: a counter hashed, the same everywhere ---- */

static uint64_t mix(uint64_t x) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static double normal(uint64_t seed, uint64_t i) /* the sum of 12 uniforms less 6: near enough, and the same bits everywhere */
{
    double s = -6;
    for (uint64_t k = 0; k < 12; k++)
        s += (double)(mix(seed + i * 12 + k) >> 11) * 0x1p-53;
    return s;
}

/* ---- "N=1,L=128" ---- */

/* The item at `at`: its name ends at `*equals`, the last '=' (NULL: there is none). Gives where the item ends. */
static const char *dims_item(const char *at, const char **equals)
{
    *equals = NULL;
    for (; *at != ',' && *at != 0; at++)
        if (*at == '=')
            *equals = at;
    return at;
}

/* Decimal digits from `at` to `end` and nothing else. */
static bool size_of(const char *at, const char *end, int64_t *out)
{
    *out = 0;
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9' || *out > (INT64_MAX - (*at - '0')) / 10)
            return false;
        *out = *out * 10 + (*at - '0');
    }
    return true;
}

static bool dim_of(const char *dims, const char *symbol, int64_t *out)
{
    const size_t n = strlen(symbol);
    for (const char *at = dims, *end, *equals; at != NULL; at = *end == ',' ? end + 1 : NULL) {
        end = dims_item(at, &equals);
        if (equals != NULL && (size_t)(equals - at) == n && memcmp(at, symbol, n) == 0)
            return size_of(equals + 1, end, out);
    }
    return false;
}

/* The named dimensions of the inputs that random values are made for: each first one is appended to `list` ("N, L"); whether `name` is one of them. */
static bool dim_names(const mote_model *m, const char *name, size_t n, char *list, size_t cap)
{
    bool found = false;
    for (size_t i = 0; m != NULL && i < mote_model_input_count(m); i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        if (mote_model_input_info(m, i, &info) != MOTE_OK || info.optional)
            continue;
        for (int32_t d = 0; d < info.rank; d++) {
            const char *s = info.symbols[d];
            if (s == NULL || info.shape[d] >= 0)
                continue;
            found = found || (strlen(s) == n && memcmp(s, name, n) == 0);
            char item[80], padded[256];
            snprintf(item, sizeof item, " %.70s,", s);
            snprintf(padded, sizeof padded, " %s,", list);
            if (strstr(padded, item) == NULL && strlen(list) + strlen(item) < cap)
                snprintf(list + strlen(list), cap - strlen(list), "%s%.70s", list[0] != 0 ? ", " : "", s);
        }
    }
    return found;
}

static mote_status check_dims(const char *dims, const mote_model *m, const mote_model *other, mote_diag *diag)
{
    for (const char *at = dims != NULL && dims[0] != 0 ? dims : NULL, *end, *equals; at != NULL; at = *end == ',' ? end + 1 : NULL) {
        char known[160] = "";
        int64_t size;
        end = dims_item(at, &equals);
        const char *stop = equals != NULL ? equals : end, *wrong = NULL;
        const size_t n = (size_t)(stop - at);
        const int shown = (int)(n < 60 ? n : 60), item = end - at < 60 ? (int)(end - at) : 60;
        bool has = dim_names(m, at, n, known, sizeof known);
        has = dim_names(other, at, n, known, sizeof known) || has;
        const char *none = known[0] != 0 ? "" : "no named dimension";
        if (equals == NULL || n == 0)
            wrong = "is not of the form NAME=SIZE";
        else if (has && !size_of(equals + 1, end, &size))
            wrong = "gives no size, which is a whole number from 0";
        MOTE_REQUIRE(wrong == NULL, diag, MOTE_E_ARGUMENT, "--dims: '%.*s' %s; the model has %s%s", item, at, wrong, known, none);
        MOTE_REQUIRE(has, diag, MOTE_E_ARGUMENT, "--dims: no input has a dimension named '%.*s'; the model has %s%s", shown, at, known, none);
        for (const char *p = dims, *q, *e; p < at; p = q + 1) {
            q = dims_item(p, &e);
            MOTE_REQUIRE((size_t)(e - p) != n || memcmp(p, at, n) != 0, diag, MOTE_E_ARGUMENT, "--dims: '%.*s' is given twice; the model has %s", shown, at, known);
        }
    }
    return MOTE_OK;
}

mote_status engine_shapes(const mote_model *m, const char *dims, const mote_model *other, mote_array *shapes, mote_diag *diag)
{
    MOTE_TRY(check_dims(dims, m, other, diag));
    for (size_t i = 0; i < mote_model_input_count(m); i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        MOTE_TRY(mote_model_input_info(m, i, &info));
        shapes[i] = (mote_array){.kind = info.kind};
        if (info.optional || info.kind != MOTE_KIND_TENSOR)
            continue;
        int64_t shape[MOTE_MAX_RANK] = {0};
        MOTE_REQUIRE(info.rank >= 0, diag, MOTE_E_ARGUMENT, "input '%s' has no declared rank: give --inputs", info.name);
        for (int32_t d = 0; d < info.rank; d++) {
            shape[d] = info.shape[d];
            if (shape[d] < 0 && (info.symbols[d] == NULL || !dim_of(dims, info.symbols[d], &shape[d])))
                shape[d] = 1;
        }
        MOTE_TRY(mote_array_shape(&shapes[i], info.dtype, info.rank, shape, diag));
    }
    return MOTE_OK;
}

mote_status engine_feed_random(engine *e, const char *dims, const mote_model *other, uint64_t seed, mote_diag *diag)
{
    size_t n = mote_model_input_count(e->model);
    mote_array *shapes = calloc(n + 1, sizeof *shapes);
    const mote_array **arrays = calloc(n + 1, sizeof *arrays);
    mote_status status = shapes == NULL || arrays == NULL ? MOTE_NO_MEMORY(diag, n) : engine_shapes(e->model, dims, other, shapes, diag);
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        status = mote_model_input_info(e->model, i, &info);
        if (info.optional)
            continue;
        if (status == MOTE_OK && info.kind != MOTE_KIND_TENSOR) /* says what it wants instead */
            status = mote_array_shape(&shapes[i], info.dtype, info.rank, info.shape, diag);
        arrays[i] = &shapes[i];
    }
    if (status == MOTE_OK)
        status = prepare(e, arrays, diag);
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        if (arrays[i] == NULL)
            continue;
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        status = mote_model_input_info(e->model, i, &info);
        void *data = mote_tensor_map(mote_session_input(e->session, i));
        size_t count = mote_array_count(arrays[i]);
        bool real = mote_dtype_in(info.dtype, MOTE_DTYPES_FLOAT);
        for (size_t k = 0; k < count && info.dtype != MOTE_DTYPE_STRING; k++) {
            if (real)
                mote_dtype_from_f64(info.dtype, data, k, strstr(info.name, "noise") ? (double)(mix(seed + k) >> 11) * 0x1p-53 : normal(seed + i, k));
            else
                mote_dtype_from_i64(info.dtype, data, k, strstr(info.name, "mask") ? 1 : strstr(info.name, "type") ? 0 : (int64_t)(mix(seed + k) % (info.dtype == MOTE_DTYPE_BOOL ? 2 : 100)));
        }
    }
    free(shapes);
    free(arrays);
    return status;
}

/* ---- outputs ---- */

/* The tensor that is *skip tensors behind the first in t; its place in sequences is appended to name. */
static const mote_tensor *tensor_in(const mote_tensor *t, size_t *skip, char *name, size_t cap, int depth)
{
    if (t->kind == MOTE_KIND_TENSOR)
        return (*skip)-- == 0 ? t : NULL;
    const size_t n = strlen(name);
    for (int64_t k = 0; k < t->shape[0] && depth < 8; k++) {
        if (t->kind == MOTE_KIND_SEQUENCE)
            snprintf(name + n, cap - n, "[%lld]", (long long)k);
        const mote_tensor *found = tensor_in((const mote_tensor *)mote_tensor_map(t) + k, skip, name, cap, depth + 1);
        if (found != NULL)
            return found;
    }
    name[n] = 0;
    return NULL;
}

static const mote_tensor *tensor_at(const engine *e, size_t i, char *name, size_t cap)
{
    for (size_t o = 0; o < mote_model_output_count(e->model); o++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        snprintf(name, cap, "%s", mote_model_output_info(e->model, o, &info) == MOTE_OK ? info.name : "");
        const mote_tensor *t = tensor_in(mote_session_output(e->session, o), &i, name, cap, 0);
        if (t != NULL)
            return t;
    }
    return NULL;
}

size_t engine_output_count(const engine *e)
{
    char name[ENGINE_NAME];
    size_t skip = SIZE_MAX;
    for (size_t o = 0; o < mote_model_output_count(e->model); o++) {
        name[0] = 0;
        (void)tensor_in(mote_session_output(e->session, o), &skip, name, sizeof name, 0);
    }
    return SIZE_MAX - skip;
}

mote_array engine_output(const engine *e, size_t i)
{
    char name[ENGINE_NAME];
    const mote_tensor *t = tensor_at(e, i, name, sizeof name);
    if (t == NULL) /* an empty sequence */
        return (mote_array){0};
    mote_array a = {.dtype = t->dtype, .rank = t->rank, .data = mote_tensor_map(t), .bytes = t->bytes};
    memcpy(a.dims, t->shape, sizeof a.dims);
    return a;
}

const char *engine_output_name(const engine *e, size_t i, char name[ENGINE_NAME])
{
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    (void)tensor_at(e, i, name, ENGINE_NAME);
    for (size_t o = 0, k = i; o < mote_model_output_count(e->model) && mote_session_output(e->session, o)->kind == MOTE_KIND_TENSOR; o++, k--)
        if (k == 0 && mote_model_output_info(e->model, o, &info) == MOTE_OK) /* however long */
            return info.name;
    return name;
}

mote_status engine_save_outputs(const engine *e, const char *path, bool overwrite, mote_diag *diag)
{
    size_t n = engine_output_count(e);
    char name[ENGINE_NAME];
    named_array *items = calloc(n + 1, sizeof *items);
    if (items == NULL)
        return MOTE_NO_MEMORY(diag, n);
    for (size_t i = 0; i < n; i++) {
        items[i].array = engine_output(e, i);
        items[i].name = strdup(engine_output_name(e, i, name));
    }
    mote_status status = npz_write(path, items, n, overwrite, diag);
    for (size_t i = 0; i < n; i++)
        free(items[i].name);
    free(items);
    return status;
}

/* ---- reports ---- */

int tool_fail(bool json, const char *what, mote_status status, const mote_diag *diag)
{
    int code = status == MOTE_E_CANCELLED ? EXIT_CANCELLED : status == MOTE_E_ARGUMENT ? EXIT_USAGE : EXIT_FAILED;
    const char *message = diag != NULL && diag->message[0] != 0 ? diag->message : mote_status_string(status);
    if (json) {
        json_t *d = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "schema", "mote.error/1", "status", mote_status_string(status), "code", (int)status,
                              "of", what, "op", diag != NULL ? diag->op : "", "node", diag != NULL ? diag->node : "", "message", message);
        if (d == NULL) /* a name that is not UTF-8 */
            d = json_pack("{s:s, s:s, s:i}", "schema", "mote.error/1", "status", mote_status_string(status), "code", (int)status);
        (void)tool_print_json(d);
        return code;
    }
    const size_t n = strlen(what);
    const bool named = strncmp(message, what, n) == 0 && (message[n] == ':' || message[n] == ' ');
    fprintf(stderr, "mote: %s%s", named ? "" : what, named ? "" : ": ");
    if (diag != NULL && diag->op[0] != 0)
        fprintf(stderr, "%s '%s': ", diag->op, diag->node);
    fprintf(stderr, "%s (%s)\n", message, mote_status_string(status));
    return code;
}

int tool_usage(const command *c, const char *why) { return options_complain(c, "%s", why); }

int tool_print_json(json_t *document)
{
    if (document == NULL) {
        fprintf(stderr, "mote: out of memory\n");
        return EXIT_FAILED;
    }
    int failed = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(document);
    return failed != 0 || fputc('\n', stdout) == EOF || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_DONE;
}

json_t *json_shape(const mote_tensor *t)
{
    json_t *a = json_array();
    for (int32_t d = 0; d < t->rank; d++)
        json_array_append_new(a, json_integer(t->shape[d]));
    return a;
}

json_t *json_double(double x) { return isfinite(x) ? json_real(x) : json_null(); }
