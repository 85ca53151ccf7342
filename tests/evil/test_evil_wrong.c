/* test_evil_wrong.c - what is wrong with an operator's use, one thing at a time
 * SPDX-License-Identifier: Apache-2.0
 *
 * bases.inc has a right use of each operator. Each is made wrong in one place: an input's type, rank, size or value, an input or output too many or missing, an
 * attribute of another kind, unknown, missing, or with a value out of its domain. Each runs three times: with constants (folded while loading), with inputs, and by
 * the reference evaluation. What the definition forbids must be refused with the operator, the node and the name of the attribute or input; everything else must do
 * the same three times, within bounds of time and memory. MOTE_EVIL_ONLY: one operator. */
#include "base/platform.h"
#include "graph/graph.h"
#include "ops/op.h"
#include "ops/signature.h"
#include "support/hostile.h"
#include "support/op_use.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct base {
    int opset;
    const char *text;
} base;

#define ML_VERSION(b) ((b)->opset >= 21 ? 5 : 4) /* of ai.onnx.ml beside it */

static const base bases[] = {
#include "bases.inc"
};

enum { MAX_KEPT = 64 }; /* tensors of all outputs, what holds tensors included */

typedef struct made {
    mote_status status;
    mote_diag diag;
    const char *step;
    double seconds;
    size_t peak;
    int n;
    mote_array out[MAX_KEPT];
} made;

static size_t n_jobs, n_right, n_refused, failures;
static const char *only;
static char at_work[200];

static void hangs(int signal_number)
{
    (void)signal_number;
    if (write(2, "hangs: ", 7) < 0 || write(2, at_work, strlen(at_work)) < 0 || write(2, "\n", 1) < 0)
        _exit(2);
    _exit(1);
}

/* 20 seconds of this process, or five minutes in which it gets less. */
static void watch(void)
{
    const struct itimerval at = {.it_value = {.tv_sec = 20}};
    setitimer(ITIMER_PROF, &at, NULL);
    alarm(300);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* of this process: others do not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void keep(made *r, const mote_tensor *t)
{
    if (r->n == MAX_KEPT)
        fail_msg("more than %d tensors come out", MAX_KEPT);
    mote_array *a = &r->out[r->n++];
    const bool has_bytes = t->kind == MOTE_KIND_TENSOR && t->dtype != MOTE_DTYPE_STRING; /* strings: shapes only */
    a->dtype = t->dtype;
    a->rank = t->rank;
    memcpy(a->dims, t->shape, sizeof a->dims);
    a->bytes = has_bytes ? t->bytes : 0;
    a->data = malloc(a->bytes + 1);
    if (a->data == NULL)
        abort();
    if (a->bytes != 0)
        memcpy(a->data, mote_tensor_map(t), a->bytes);
    if (t->kind != MOTE_KIND_TENSOR)
        for (int64_t i = 0; i < t->shape[0] && r->n < MAX_KEPT; i++)
            keep(r, (const mote_tensor *)mote_tensor_map(t) + i);
}

static made run(const job *j, bool constant, bool reference)
{
    made r = {.diag = MOTE_DIAG_INIT, .step = "load"};
    hostile_heap h;
    hostile_init(&h);
    pb bytes = op_use_file(j, constant);
    double start = now();
    mote_load_options lo = MOTE_LOAD_OPTIONS_INIT;
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    lo.allocator = &h.allocator;
    lo.reference = reference;
    lo.memory_limit = so.memory_limit = 30 << 20;
    so.threads = 1;
    so.step_limit = 1000;
    mote_model *model = NULL;
    mote_session *s = NULL;
    r.status = mote_model_load_memory(bytes.p, bytes.n, &lo, &model, &r.diag);
    if (r.status == MOTE_OK) {
        r.step = "create";
        r.status = mote_session_create(model, &so, &s, &r.diag);
    }
    if (r.status == MOTE_OK) {
        size_t k = 0;
        for (int i = 0; !constant && i < j->n_in; i++)
            for (int e = 0; j->in[i].here && e < op_use_items(&j->in[i]); e++) {
                const input item = op_use_item(&j->in[i], e);
                if (op_use_fixed(&item))
                    continue;
                size_t n, size = 0;
                void *p = op_use_data(&item, &n, &size);
                mote_tensor *t = mote_session_input(s, k++);
                if (t->bytes != size)
                    fail_msg("%s: input %d has %zu bytes, the session gives %zu", j->op, i, size, t->bytes);
                if (size != 0)
                    memcpy(mote_tensor_map(t), p, size);
                free(p);
            }
        r.step = "run";
        r.status = mote_session_run(s, NULL, &r.diag);
    }
    for (int i = 0; r.status == MOTE_OK && i < j->n_out; i++)
        keep(&r, mote_session_output(s, (size_t)i));
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    pb_free(&bytes);
    r.seconds = now() - start;
    r.peak = h.peak;
    if (h.used != 0)
        fail_msg("%s: %zu bytes not given back", j->op, h.used);
    return r;
}

/* steps: how far integers may be apart, behind a product of scales that is rounded at another place */
static bool near(const mote_array *a, const mote_array *b, int64_t steps, char *why, size_t cap)
{
    if (a->dtype != b->dtype || !mote_array_same_shape(a, b))
        return snprintf(why, cap, "shape or type"), false;
    if (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0 || mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX))
        return true;
    double top = 0;
    size_t n = mote_array_count(a);
    if (!mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT | MOTE_DTYPES_F8 | MOTE_DT(F4E2M1))) {
        for (size_t i = 0; i < n; i++)
            if (steps == 0 ? mote_array_i64(a, i) != mote_array_i64(b, i) : llabs(mote_array_i64(a, i) - mote_array_i64(b, i)) > steps)
                return snprintf(why, cap, "element %zu: %lld and %lld", i, (long long)mote_array_i64(a, i), (long long)mote_array_i64(b, i)), false;
        return true;
    }
    for (size_t i = 0; i < n; i++)
        if (isfinite(mote_array_f64(b, i)))
            top = fmax(top, fabs(mote_array_f64(b, i)));
    for (size_t i = 0; i < n; i++) {
        double x = mote_array_f64(a, i), y = mote_array_f64(b, i);
        if (!(x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= 1e-3 * fmax(top, 1e-6) || (fabs(x) > 1e37 && fabs(y) > 1e37 && (x > 0) == (y > 0))))
            return snprintf(why, cap, "element %zu: %g and %g", i, x, y), false;
    }
    return true;
}

static bool said(const char *what, const char *kind, const char *why, const job *j)
{
    failures++;
    if (failures < 400)
        fprintf(stderr, "%s-%d: %s (%s): %s\n", j->op, (int)j->def->since, what, kind, why);
    return false;
}

static bool has_body(const job *j)
{
    for (int i = 0; i < j->n_attrs; i++)
        if (j->attrs[i].kind == MOTE_ATTR_GRAPH)
            return true;
    return false;
}

/* A name from nowhere is found before the body is a node's. */
static bool body_from_nowhere(const job *j)
{
    for (int i = 0; i < j->n_attrs; i++)
        if (j->attrs[i].change == BODY_OUTPUT_UNKNOWN || j->attrs[i].change == BODY_INPUT_LESS)
            return true;
    return false;
}

/* What may be named in the operator's place: what makes its sequence, what its body has. */
static bool elsewhere(const job *j, const char *op)
{
    return has_body(j) || strcmp(op, "SequenceConstruct") == 0 || strcmp(op, "SequenceEmpty") == 0 || strcmp(op, "Optional") == 0;
}

/* must: the definition forbids it, and the message has this word ("" for any). NULL: three times the same. */
static bool check(const job *j, const char *what, const char *must)
{
    static const char *const ways[3] = {"constants", "inputs", "reference"};
    made r[3];
    char why[700];
    bool ok = true;
    n_jobs++;
    for (int w = 0; w < 3; w++) {
        snprintf(at_work, sizeof at_work, "%s-%d: %s (%s)", j->op, (int)j->def->since, what, ways[w]);
        watch();
        r[w] = run(j, w == 0, w == 2);
        const mote_status status = r[w].status;
        snprintf(why, sizeof why, "%s gives %d: %s '%s': %s", r[w].step, (int)status, r[w].diag.op, r[w].diag.node, r[w].diag.message);
#if defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__)
        const double limit = 10;
#else
        const double limit = 4; /* of convolutions of images that padding makes as large as memory allows */
#endif
        if (r[w].seconds > limit || r[w].peak > (size_t)64 << 20) {
            snprintf(why, sizeof why, "%.2f s and %.1f MiB", r[w].seconds, (double)r[w].peak / 1048576);
            ok = said(what, ways[w], why, j);
        }
        if (status != MOTE_OK) {
            const bool limits = status == MOTE_E_MEMORY || status == MOTE_E_LIMIT;
            if (!limits && status != MOTE_E_MODEL && status != MOTE_E_UNSUPPORTED && status != MOTE_E_SHAPE && status != MOTE_E_DTYPE && status != MOTE_E_VALUE)
                ok = said(what, ways[w], why, j);
            else if (!limits && strstr(r[w].diag.message, "dimensions; at most") == NULL &&
                     ((strcmp(r[w].diag.op, j->op) != 0 && j->domain[0] == 0 && !elsewhere(j, r[w].diag.op)) || (strcmp(r[w].diag.node, "the_node") != 0 && !body_from_nowhere(j))))
                ok = said(what, ways[w], why, j);
            else if (must != NULL && strstr(r[w].diag.message, must) == NULL) {
                size_t n = strlen(why);
                snprintf(why + n, sizeof why - n, " (does not say '%s')", must);
                ok = said(what, ways[w], why, j);
            }
        } else if (must != NULL) {
            ok = said(what, ways[w], "is taken", j);
        }
    }
    n_refused += r[0].status != MOTE_OK;
    if (must == NULL && ok)
        for (int w = 1; w < 3; w++) {
            const bool limits = r[0].status == MOTE_E_MEMORY || r[0].status == MOTE_E_LIMIT || r[w].status == MOTE_E_MEMORY || r[w].status == MOTE_E_LIMIT;
            const bool unread = strcmp(j->op, "If") == 0 && strstr(r[w].diag.message, "in the two branches") != NULL; /* a constant condition leaves one */
            if ((r[0].status == MOTE_OK) != (r[w].status == MOTE_OK) && !limits && !unread) {
                snprintf(why, sizeof why, "status %d with constants, %d here: %s%s", (int)r[0].status, (int)r[w].status, r[0].diag.message, r[w].diag.message);
                ok = said(what, ways[w], why, j);
            }
            if (r[0].status == MOTE_OK && r[w].status == MOTE_OK && r[0].n != r[w].n)
                ok = said(what, ways[w], "another number of elements", j);
            for (int i = 0; r[0].status == MOTE_OK && r[w].status == MOTE_OK && i < r[0].n && i < r[w].n; i++)
                if (!near(&r[0].out[i], &r[w].out[i], j->domain[0] != 0 && strncmp(j->op, "QLinear", 7) == 0 ? 1 : 0, why, sizeof why))
                    ok = said(what, ways[w], why, j);
        }
    for (int w = 0; w < 3; w++)
        for (int i = 0; i < r[w].n; i++)
            free(r[w].out[i].data);
    return ok;
}

static const mote_op_arg *arg_of(const mote_signature *s, int i) { return mote_signature_arg(s, (size_t)i); }

static void name_of(char *to, size_t cap, mote_str s) { snprintf(to, cap, "%.*s", (int)s.n, s.p); }

static void types(const job *j, const mote_signature *sig)
{
    for (int i = 0; i < j->n_in; i++) {
        const mote_op_arg *a = arg_of(sig, i);
        if (!j->in[i].here || a == NULL)
            continue;
        const mote_dtypes allowed = a->var >= 0 ? j->def->types[a->var].dtypes : 1u << (unsigned)a->fixed;
        bool shared = false;
        for (int k = 0; k < j->n_in; k++)
            shared |= k != i && j->in[k].here && a->var >= 0 && arg_of(sig, k)->var == a->var && !a->mixed;
        for (int t = 1; t < MOTE_DTYPE_COUNT; t++) {
            if (t == (int)j->in[i].dtype)
                continue;
            job k = *j;
            char what[64];
            k.in[i].dtype = (mote_dtype)t;
            snprintf(what, sizeof what, "input %d is %s", i, mote_dtype_name((mote_dtype)t));
            const bool forbidden = !mote_dtype_in((mote_dtype)t, allowed);
            if (forbidden && t % 3 != 0 && t != MOTE_DTYPE_STRING)
                continue; /* a third of them */
            check(&k, what, (forbidden || shared) && k.in[i].kind == MOTE_KIND_TENSOR ? "" : NULL);
        }
    }
}

static void arguments(const job *j, const mote_signature *in, const mote_signature *out)
{
    char name[64], what[128];
    for (int i = 0; i < j->n_in; i++) {
        const mote_op_arg *a = arg_of(in, i);
        if (!j->in[i].here || a == NULL)
            continue;
        job k = *j;
        k.in[i].here = false;
        name_of(name, sizeof name, a->name);
        snprintf(what, sizeof what, "without input %s", name);
        check(&k, what, a->optional ? NULL : a->variadic && i >= (int)in->min ? NULL : name);
    }
    if (in->max < MAX_IN && j->n_in > 0) {
        job k = *j;
        for (int i = k.n_in; i < (int)in->max + 1; i++)
            k.in[i] = k.in[0];
        k.n_in = (int)in->max + 1;
        check(&k, "an input too many", "inputs");
    }
    if (out->max < MAX_OUT) {
        job k = *j;
        k.n_out = (int)out->max + 1;
        check(&k, "an output too many", "outputs");
    }
}

static void kinds(const job *j)
{
    static const float one_float = 1;
    static const int64_t one_int = 1;
    const mote_str one_text = MOTE_STR("x");
    char what[128];
    job k = *j;
    if (k.n_attrs < MAX_ATTRS) {
        k.attrs[k.n_attrs++] = (attribute){"nonsense", MOTE_ATTR_INT, {.i = 1}, BODY_AS_IS};
        check(&k, "an unknown attribute", "nonsense");
    }
    for (int i = 0; i < j->n_attrs; i++) {
        const mote_attr_spec *spec = j->def->attrs;
        while (spec != NULL && spec->name != NULL && strcmp(spec->name, j->attrs[i].name) != 0)
            spec++;
        for (int kind = 1; kind <= 8; kind++) {
            if (kind == (int)j->attrs[i].kind || kind == MOTE_ATTR_GRAPH || kind == MOTE_ATTR_TENSOR)
                continue;
            k = *j;
            snprintf(what, sizeof what, "attribute %s of kind %d", j->attrs[i].name, kind);
            k.attrs[i].kind = (mote_attr_kind)kind;
            memset(&k.attrs[i].value, 0, sizeof k.attrs[i].value);
            k.attrs[i].value.n = 1; /* lists without elements have no kind in old files */
            if (kind == MOTE_ATTR_STRING)
                k.attrs[i].value.s = MOTE_STR("x");
            if (kind == MOTE_ATTR_FLOATS)
                k.attrs[i].value.floats = &one_float;
            if (kind == MOTE_ATTR_INTS)
                k.attrs[i].value.ints = &one_int;
            if (kind == MOTE_ATTR_STRINGS)
                k.attrs[i].value.strings = &one_text;
            check(&k, what, j->attrs[i].name);
        }
        k = *j;
        memmove(&k.attrs[i], &k.attrs[i + 1], (size_t)(k.n_attrs - i - 1) * sizeof k.attrs[0]);
        k.n_attrs--;
        snprintf(what, sizeof what, "without attribute %s", j->attrs[i].name);
        check(&k, what, spec != NULL && spec->name != NULL && spec->required ? j->attrs[i].name : NULL);
    }
}

/* Attribute i, a tensor, of other types, sizes, ranks and values. */
static void tensor_values(const job *j, int i)
{
    static const mote_dtype others[] = {MOTE_DTYPE_F32, MOTE_DTYPE_F64, MOTE_DTYPE_F16, MOTE_DTYPE_S32, MOTE_DTYPE_S64, MOTE_DTYPE_U8, MOTE_DTYPE_BOOL};
    static const double fills[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e30, 7, 255};
    const mote_array *t = j->attrs[i].value.t;
    const char *name = j->attrs[i].name;
    const size_t n = mote_array_count(t);
    char data[256] = {0}, what[128];
    mote_array a = *t;
    job k = *j;
    if (t->bytes > sizeof data / 2 || t->rank > 1 || n + 2 > sizeof data / 8)
        return;
    k.attrs[i].value.t = &a;
    a.data = data;
    for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
        a.dtype = others[o];
        if (a.dtype == t->dtype || !mote_dtype_bytes(a.dtype, n, &a.bytes))
            continue;
        snprintf(what, sizeof what, "%s of type %s", name, mote_dtype_name(a.dtype));
        check(&k, what, NULL);
    }
    a.dtype = t->dtype;
    memcpy(data, t->data, t->bytes);
    for (size_t m = 0; m < n + 2; m++) {
        a.rank = 1;
        a.dims[0] = (int64_t)m;
        if (!mote_dtype_bytes(a.dtype, m, &a.bytes))
            abort();
        snprintf(what, sizeof what, "%s of %zu elements", name, m);
        check(&k, what, NULL);
    }
    a = *t;
    a.data = data;
    for (int first = 0; first < 2; first++)
        for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++) {
            for (size_t e = 0; e < n && (e == 0 || first == 0); e++)
                if (!op_use_integer(a.dtype))
                    mote_dtype_from_f64(a.dtype, data, e, fills[f]);
                else if (isfinite(fills[f]))
                    mote_dtype_from_i64(a.dtype, data, e, fills[f] > 1e18 ? INT64_MAX : (int64_t)fills[f]);
            snprintf(what, sizeof what, "%s: %s %g", name, first ? "the first" : "all", fills[f]);
            check(&k, what, NULL);
        }
}

static void attribute_values(const job *j)
{
    static const int64_t ints[] = {INT64_MIN, INT64_MIN + 1, INT32_MIN, -100, -9, -4, -3, -2, -1, 0, 1, 2, 3, 4, 8, 9, 1000, 100000, 1 << 20, INT32_MAX, 1ll << 40, INT64_MAX};
    static const float floats[] = {NAN, INFINITY, -INFINITY, 0, -0.0f, -1, 1e38f, -1e38f, 1e-40f};
    static const char *const texts[] = {"", "bogus", "\xff\xfe\x80", "SAME_UPPER", "VALID", "reverse", "->", "i...j->", "((((", "a{1000}{1000}"};
    char what[160];
    for (int i = 0; i < j->n_attrs; i++) {
        const attribute *a = &j->attrs[i];
        job k = *j;
        if (a->kind == MOTE_ATTR_INT)
            for (size_t v = 0; v < sizeof ints / sizeof ints[0]; v++) {
                k.attrs[i].value.i = ints[v];
                snprintf(what, sizeof what, "%s=%lld", a->name, (long long)ints[v]);
                check(&k, what, NULL);
            }
        if (a->kind == MOTE_ATTR_FLOAT)
            for (size_t v = 0; v < sizeof floats / sizeof floats[0]; v++) {
                k.attrs[i].value.f = floats[v];
                snprintf(what, sizeof what, "%s=%g", a->name, (double)floats[v]);
                check(&k, what, NULL);
            }
        if (a->kind == MOTE_ATTR_STRING)
            for (size_t v = 0; v < sizeof texts / sizeof texts[0]; v++) {
                k.attrs[i].value.s = mote_str_c(texts[v]);
                snprintf(what, sizeof what, "%s='%s'", a->name, texts[v]);
                check(&k, what, NULL);
            }
        if (a->kind == MOTE_ATTR_INTS) {
            int64_t list[40];
            const size_t n = a->value.n;
            if (n >= 30)
                continue;
            for (size_t at = 0; at <= n; at++) /* one, or all */
                for (size_t v = 0; v < sizeof ints / sizeof ints[0]; v++) {
                    for (size_t e = 0; e < n; e++)
                        list[e] = at == n || e == at ? ints[v] : a->value.ints[e];
                    k.attrs[i].value.ints = list;
                    snprintf(what, sizeof what, "%s[%zu]=%lld", a->name, at, (long long)ints[v]);
                    check(&k, what, NULL);
                }
            for (size_t m = 0; m < n + 3; m++) {
                for (size_t e = 0; e < m; e++)
                    list[e] = e < n ? a->value.ints[e] : 1;
                k.attrs[i].value.ints = list;
                k.attrs[i].value.n = m;
                snprintf(what, sizeof what, "%s of %zu", a->name, m);
                check(&k, what, NULL);
            }
        }
        if (a->kind == MOTE_ATTR_TENSOR)
            tensor_values(j, i);
        for (int c = 1; a->kind == MOTE_ATTR_GRAPH && c < BODY_CHANGES; c++) {
            static const char *const names[BODY_CHANGES] = {"", "an output less", "an output more", "an input less", "an input more", "an output from nowhere", "no output",
                                                            "an output of another type", "an output of another rank", "an input of another type", "a sequence for an output"};
            const bool wrong_count = c == BODY_OUTPUT_LESS || c == BODY_INPUT_LESS || c == BODY_INPUT_MORE || c == BODY_OUTPUT_UNKNOWN || c == BODY_NO_OUTPUT;
            if (c == BODY_INPUT_LESS && a->value.g->n_inputs == 0)
                continue;
            k.attrs[i].change = (body_change)c;
            snprintf(what, sizeof what, "%s has %s", a->name, names[c]);
            check(&k, what, wrong_count ? "" : NULL);
        }
        if (a->kind == MOTE_ATTR_FLOATS)
            for (size_t m = 0; m < a->value.n; m++) {
                k.attrs[i].value.n = m;
                snprintf(what, sizeof what, "%s of %zu", a->name, m);
                check(&k, what, NULL);
            }
    }
}

static void shapes(const job *j)
{
    char what[128];
    for (int i = 0; i < j->n_in; i++) {
        if (!j->in[i].here)
            continue;
        for (int rank = 0; rank <= 9; rank++) {
            job k = *j;
            if (rank == j->in[i].rank)
                continue;
            for (int d = 0; d < rank; d++)
                k.in[i].dims[d] = d < j->in[i].rank ? j->in[i].dims[d] : 1;
            k.in[i].rank = rank;
            snprintf(what, sizeof what, "input %d of rank %d", i, rank);
            check(&k, what, rank > MOTE_MAX_RANK ? "" : NULL);
        }
        for (int d = 0; d < j->in[i].rank; d++)
            for (int v = 0; v < 4; v++) {
                job k = *j;
                k.in[i].dims[d] = v == 0 ? 0 : v == 1 ? j->in[i].dims[d] + 1 : v == 2 ? 1 : 3 * j->in[i].dims[d];
                snprintf(what, sizeof what, "input %d: dimension %d is %d", i, d, (int)k.in[i].dims[d]);
                check(&k, what, NULL);
            }
    }
    for (int v = 0; v < 2; v++) { /* empty everywhere */
        job k = *j;
        for (int i = 0; i < k.n_in; i++)
            for (int d = 0; d < k.in[i].rank; d++)
                if (v == 0 || d == 0)
                    k.in[i].dims[d] = 0;
        check(&k, v == 0 ? "all dimensions 0" : "first dimensions 0", NULL);
    }
}

/* Whether the operator has inputs of any kind. */
static bool takes_any_kind(const char *op)
{
    static const char *const names[] = {"Identity", "Optional", "OptionalHasElement", "OptionalGetElement", "Loop", "If", "SequenceMap"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(op, names[i]) == 0)
            return true;
    return false;
}

static void containers(const job *j)
{
    char what[128];
    for (int i = 0; i < j->n_in; i++) {
        if (!j->in[i].here)
            continue;
        for (int kind = 0; kind < 3; kind++) {
            static const char *const names[3] = {"a tensor", "a sequence", "an optional"};
            job k = *j;
            if (kind == (int)j->in[i].kind)
                continue;
            k.in[i].kind = (mote_kind)kind;
            k.in[i].items = 2;
            snprintf(what, sizeof what, "input %d is %s", i, names[kind]);
            check(&k, what, takes_any_kind(j->op) ? NULL : "");
        }
        if (j->in[i].kind != MOTE_KIND_SEQUENCE)
            continue;
        for (int n = 0; n < 6; n++) {
            job k = *j;
            k.in[i].items = n < 4 ? n : j->in[i].items;
            k.in[i].odd_type = n == 4;
            k.in[i].odd_rank = n == 5;
            snprintf(what, sizeof what, n < 4 ? "input %d has %d elements" : n == 4 ? "input %d has elements of two types" : "input %d has elements of two ranks", i, n);
            check(&k, what, n == 4 && j->in[i].items > 1 ? "" : NULL);
        }
    }
}

static void values(const job *j)
{
    static const double reals[13] = {NAN, 0, -0.0, -1, 1e-40, 1e10, -1e10, 2147483648.0, 0.5, 3e38, -3e38, INFINITY, -INFINITY};
    char what[128];
    for (int i = 0; i < j->n_in; i++) {
        const input *in = &j->in[i];
        if (!in->here)
            continue;
        if (in->dtype == MOTE_DTYPE_STRING) {
            static const char *const texts[] = {"", "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", ",,,,,,,"};
            for (size_t v = 0; v < sizeof texts / sizeof texts[0]; v++) {
                job k = *j;
                k.in[i].text = texts[v];
                snprintf(what, sizeof what, "input %d has text %zu", i, v);
                check(&k, what, NULL);
            }
            continue;
        }
        /* what a weight of 0 makes of infinity is not defined in attention, nor which class has a score of infinity less infinity */
        const size_t last_real = strstr(j->op, "Attention") != NULL ? 9 : strcmp(j->op, "LinearClassifier") == 0 ? 11 : 13;
        for (int all = 0; all < 2; all++) {
            static const int64_t ints[] = {INT64_MIN, INT64_MIN + 1, INT32_MIN, -100, -9, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8, 9, 64, 1000, 65536, 1 << 20, INT32_MAX, 1ll << 32, 1ll << 40, INT64_MAX};
            const size_t n = op_use_integer(in->dtype) ? sizeof ints / sizeof ints[0] : last_real;
            for (size_t v = 0; v < n; v++) {
                job k = *j;
                k.in[i].filled = true;
                k.in[i].first_only = all == 0;
                k.in[i].fill = op_use_integer(in->dtype) ? 0 : reals[v];
                k.in[i].fill_int = op_use_integer(in->dtype) ? ints[v] : 0;
                snprintf(what, sizeof what, "input %d: %s %g", i, all ? "all" : "the first", op_use_integer(in->dtype) ? (double)ints[v] : reals[v]);
                check(&k, what, NULL);
            }
        }
    }
    if (j->n_in == 2 && op_use_integer(j->in[0].dtype) && op_use_integer(j->in[1].dtype)) { /* the smallest by -1, by 0 */
        const unsigned bits = mote_dtype_bits(j->in[0].dtype);
        for (int64_t by = -1; by <= 0; by++) {
            job k = *j;
            k.in[0].filled = k.in[1].filled = true;
            k.in[0].fill_int = INT64_MIN >> (64 - bits);
            k.in[1].fill_int = by;
            check(&k, by == 0 ? "the smallest and 0" : "the smallest and -1", NULL);
        }
    }
}

static mote_op_def const *seen[1024];
static size_t n_seen;

static input input_of(const mote_value *v)
{
    const mote_node *maker = v->producer;
    const mote_array *a = mote_value_const(maker != NULL ? maker->in[0].value : v);
    input in = {.here = true, .dtype = a->dtype, .rank = a->rank, .from = *a};
    memcpy(in.dims, a->dims, sizeof a->dims);
    if (maker != NULL) {
        in.kind = mote_str_is(maker->op, "Optional") ? MOTE_KIND_OPTIONAL : MOTE_KIND_SEQUENCE;
        in.items = (int)maker->n_in;
    }
    return in;
}

static void each_base(const base *b)
{
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_module *m = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    char *text = malloc(strlen(b->text) + 200);
    if (text == NULL)
        abort();
    sprintf(text, "module ir 8 opset \"\" %d opset \"com.microsoft\" 1 opset \"ai.onnx.ml\" %d graph () { %s return y }", b->opset, ML_VERSION(b), b->text);
    if (mote_module_parse(&heap, mote_str_c(text), &m, &diag) != MOTE_OK)
        fail_msg("%s: %s", b->text, diag.message);
    const mote_node *n = m->graph->last; /* the ones before make sequences and optionals */
    job j = {.def = mote_op_find(n->domain, n->op, n->version), .opset = b->opset, .domain_version = !mote_str_is(n->domain, "ai.onnx.ml") ? 1 : ML_VERSION(b), .n_in = (int)n->n_in, .n_out = (int)n->n_out};
    char op[64], domain[64], names[MAX_ATTRS][64];
    name_of(op, sizeof op, n->op);
    name_of(domain, sizeof domain, n->domain);
    j.op = op;
    j.domain = domain;
    if (j.def != NULL && (only == NULL || strcmp(only, op) == 0)) {
        seen[n_seen++] = j.def;
        assert_in_range(n->n_in, 0, MAX_IN);
        for (int i = 0; i < j.n_in; i++)
            if (n->in[i].value != NULL)
                j.in[i] = input_of(n->in[i].value);
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            assert_in_range(j.n_attrs, 0, MAX_ATTRS - 1);
            name_of(names[j.n_attrs], sizeof names[0], a->name);
            j.attrs[j.n_attrs] = (attribute){names[j.n_attrs], a->kind, *a, BODY_AS_IS};
            j.n_attrs++;
        }
        mote_signature in, out;
        if (mote_signature_read(j.def, j.def->in, &in) != MOTE_OK || mote_signature_read(j.def, j.def->out, &out) != MOTE_OK)
            abort();
        made r = run(&j, true, false);
        if (r.status != MOTE_OK) {
            failures++;
            fprintf(stderr, "%s: the base does not run: %s\n", b->text, r.diag.message);
        } else {
            n_right++;
            check(&j, "nothing", NULL);
            types(&j, &in);
            arguments(&j, &in, &out);
            kinds(&j);
            attribute_values(&j);
            shapes(&j);
            values(&j);
            containers(&j);
        }
        for (int i = 0; i < r.n; i++)
            free(r.out[i].data);
    }
    mote_module_destroy(&m);
    free(text);
}

static void wrong(void **state)
{
    (void)state;
    only = getenv("MOTE_EVIL_ONLY");
    signal(SIGALRM, hangs);
    signal(SIGPROF, hangs);
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        each_base(&bases[i]);
    size_t count, without = 0;
    const mote_op_def *const *t = mote_op_table(&count);
    for (size_t i = 0; i < count && only == NULL; i++) {
        bool here = (t[i]->flags & MOTE_OP_RANDOM) != 0 || (strcmp(t[i]->domain, "") != 0 && strcmp(t[i]->domain, "com.microsoft") != 0 && strcmp(t[i]->domain, "ai.onnx.ml") != 0);
        for (size_t k = 0; k < n_seen; k++)
            here |= strcmp(seen[k]->name, t[i]->name) == 0;
        if (!here && (i == 0 || strcmp(t[i - 1]->name, t[i]->name) != 0))
            print_message("%s%s", without++ == 0 ? "without a base (random ones: test_evil_operators): " : ", ", t[i]->name);
    }
    print_message("%s%zu bases, %zu variants, %zu of them refused, %zu failures\n", without != 0 ? "\n" : "", n_right, n_jobs, n_refused, failures);
    assert_int_equal(failures, 0);
    assert_true(only != NULL || (n_refused > n_jobs / 10 && n_jobs - n_refused > n_jobs / 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
