/* test_passes.c - passes on texts: what they give, and that outputs stay equal
 * SPDX-License-Identifier: Apache-2.0
 *
 * Usage: test_passes [part of a file's or case's name ...]. Cases are in tests/passes/<x>.cases:
 *
 *     === PASSES: label        begins a case; PASSES: comma-separated names, or "simplify" or "lower" (all passes up to there)
 *     === rtol 1e-6            how far outputs may move, to the largest magnitude of each (else: equal bits, any NaN being equal to any, -0 not to 0)
 *     === dims N=2,L=5         sizes of symbols (else 2, 3, 4 in their order)
 *     opset "" 17              a text of docs/ir.md; this line may be left out
 *     graph (x: float32[N,3]) { ... }
 *     === becomes              and the text after the passes, or "=== stays"
 *     graph ...
 *
 * Both texts are parsed, resolved, inferred and printed before they are compared, so types that inference finds may be left out. Then: a second run
 * changes nothing; outputs before and after are equal on seeded random inputs (integers of 32 and 64 bits are 0 or 1) and, where bits must be equal,
 * on NaN, infinities and zeros of both signs; they are equal within rtol (at least 2e-5) for every pass of the list alone, for all portable passes, and
 * for all passes. */
#include "base/platform.h"
#include "passes/pass.h"
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 16 };

typedef struct pass_case {
    char *label, *passes, *dims, *before, *after; /* after NULL: unchanged */
    double rtol;
} pass_case;

static mote_heap heap;
static const pass_case *now;
static size_t failures;
static jmp_buf next_case;

static void fail(const char *fmt, ...) MOTE_PRINTF(1, 2);
static void fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("FAIL %s: %s: ", now->passes, now->label);
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
    failures++;
    longjmp(next_case, 1);
}
#define CHECK(cond) ((cond) ? (void)0 : fail("line %d: " #cond, __LINE__))

/* ---- text ---- */

static mote_module *parse(const char *text)
{
    mote_module *m;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = mote_module_parse(&heap, mote_str_c(text), &m, &diag);
    if (status != MOTE_OK)
        fail("%s", diag.message);
    if (status == MOTE_OK)
        status = mote_ops_resolve(m, &diag);
    if (status == MOTE_OK)
        status = mote_infer_module(m, &diag);
    if (status != MOTE_OK)
        fail("node '%s' (%s): %s", diag.node, diag.op, diag.message);
    return m;
}

static char *print(const mote_module *m)
{
    mote_text t;
    mote_text_init(&t, &heap);
    mote_module_print(m, &t, true);
    CHECK(!t.failed);
    char *copy = malloc(t.n + 1);
    memcpy(copy, t.p, t.n + 1);
    mote_text_deinit(&t);
    return copy;
}

static bool listed(const char *list, const char *name)
{
    for (size_t n; *list != 0; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        if (n == strlen(name) && memcmp(list, name, n) == 0)
            return true;
    }
    return false;
}

/* Runs the named passes alone, or all up to a stage. */
static void run(mote_module *m, const char *passes)
{
    char disabled[2000] = "";
    bool all = strcmp(passes, "simplify") == 0 || strcmp(passes, "lower") == 0, machine = strcmp(passes, "lower") == 0;
    size_t n, found = 0;
    const mote_pass *list = mote_pass_list(&n);
    for (size_t i = 0; i < n; i++) {
        bool on = all || listed(passes, list[i].name);
        found += on;
        machine = machine || (on && !all && list[i].lower);
        if (!on && !listed(disabled, list[i].name)) {
            strcat(disabled, disabled[0] != 0 ? "," : "");
            strcat(disabled, list[i].name);
        }
    }
    if (found == 0)
        fail("no pass of '%s'", passes);
    mote_diag diag = MOTE_DIAG_INIT;
    mote_pass_options o = {.disabled = disabled, .lower = machine};
    if (mote_passes_run(m, &o, &diag) != MOTE_OK)
        fail("passes '%s': node '%s' (%s): %s", passes, diag.node, diag.op, diag.message);
}

/* ---- inputs, outputs ---- */

typedef struct values {
    mote_array a[MAX_VALUES];
    size_t n;
    mote_status status;
} values;

static void free_values(values *v)
{
    for (size_t i = 0; i < v->n; i++)
        mote_array_free(&heap, &v->a[i]);
}

static uint32_t random_bits(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static int64_t size_of(const mote_module *m, int64_t dim, const char *dims)
{
    if (dim >= 0)
        return dim;
    if (dim == MOTE_DIM_UNKNOWN)
        return 2;
    mote_str name = m->symbols[MOTE_DIM_SYMBOL_INDEX(dim)];
    for (const char *p = dims; p != NULL && *p != 0; p += strcspn(p, ","), p += *p == ',') {
        size_t n = strcspn(p, "=");
        if (n == name.n && memcmp(p, name.p, n) == 0)
            return strtoll(p + n + 1, NULL, 10);
    }
    return 2 + (int64_t)(MOTE_DIM_SYMBOL_INDEX(dim) % 3);
}

/* special: some NaN, infinities and zeros of both signs among the reals */
static void make_inputs(const mote_module *m, const char *dims, uint64_t seed, bool special, values *v)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0, 1e-42, -3e38};
    v->n = m->graph->n_inputs;
    CHECK(v->n <= MAX_VALUES);
    for (size_t i = 0; i < v->n; i++) {
        const mote_type *t = &m->graph->inputs[i]->type;
        int64_t size[MOTE_MAX_RANK];
        for (int32_t d = 0; d < t->rank; d++)
            size[d] = size_of(m, t->dims[d], dims);
        mote_array *a = &v->a[i];
        CHECK(mote_array_shape(a, t->dtype, t->rank, size, NULL) == MOTE_OK);
        CHECK(mote_array_make(&heap, a, NULL) == MOTE_OK);
        for (size_t k = 0, n = mote_array_count(a); k < n; k++) {
            uint32_t bits = random_bits(&seed);
            if (mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT))
                mote_dtype_from_f64(a->dtype, a->data, k, special && bits % 3 == 0 ? odd[bits / 3 % 7] : (double)bits / 0x1p28 - 4);
            else
                mote_dtype_from_i64(a->dtype, a->data, k, mote_dtype_bits(a->dtype) >= 32 || a->dtype == MOTE_DTYPE_BOOL ? bits & 1 : bits);
        }
    }
}

static void evaluate(const mote_module *m, const values *in, values *out)
{
    const mote_array *given[MAX_VALUES];
    for (size_t i = 0; i < in->n; i++)
        given[i] = m->graph->inputs[i]->constant != NULL ? NULL : &in->a[i];
    CHECK(m->graph->n_outputs <= MAX_VALUES);
    CHECK(m->graph->n_inputs == in->n);
    *out = (values){.n = m->graph->n_outputs};
    out->status = mote_eval_graph(m->graph, given, in->n, out->a, out->n, &heap, 0, NULL, NULL, NULL);
    if (out->status != MOTE_OK)
        out->n = 0;
}

static void compare_arrays(const char *how, size_t output, const mote_array *x, const mote_array *y, double rtol)
{
    char a[128], b[128];
    if (x->kind != y->kind || x->dtype != y->dtype || !mote_array_same_shape(x, y))
        fail("%s: output %zu is %s, was %s", how, output, mote_array_describe(y, a, sizeof a), mote_array_describe(x, b, sizeof b));
    if (x->kind != MOTE_KIND_TENSOR) {
        for (int64_t i = 0; i < x->dims[0]; i++)
            compare_arrays(how, output, &((const mote_array *)x->data)[i], &((const mote_array *)y->data)[i], rtol);
        return;
    }
    bool real = mote_dtype_in(x->dtype, MOTE_DTYPES_FLOAT);
    double largest = 0;
    size_t n = mote_array_count(x);
    for (size_t i = 0; real && i < n; i++)
        if (isfinite(mote_array_f64(x, i)))
            largest = fmax(largest, fabs(mote_array_f64(x, i)));
    if (!real && (x->bytes != y->bytes || (x->bytes != 0 && x->dtype != MOTE_DTYPE_STRING && memcmp(x->data, y->data, x->bytes) != 0)))
        fail("%s: output %zu differs", how, output);
    for (size_t i = 0; real && i < n; i++) {
        double u = mote_array_f64(x, i), v = mote_array_f64(y, i);
        bool same = isnan(u) ? isnan(v) : u == v && (rtol > 0 || signbit(u) == signbit(v));
        if (!same && !(fabs(u - v) <= rtol * largest))
            fail("%s: output %zu, element %zu is %.9g, was %.9g (largest %g)", how, output, i, v, u, largest);
    }
}

static void compare(const char *how, const values *want, const values *got, double rtol)
{
    if (want->status != MOTE_OK) /* what nobody uses may fail, or be too large, and go */
        return;
    if (got->status != MOTE_OK)
        fail("%s: evaluation gives status %d", how, (int)got->status);
    CHECK(want->n == got->n);
    for (size_t i = 0; i < want->n; i++)
        compare_arrays(how, i, &want->a[i], &got->a[i], rtol);
}

/* ---- cases ---- */

static void check_outputs(const pass_case *c, const char *passes, double rtol, bool special)
{
    mote_module *before = parse(c->before), *after = parse(c->before);
    values in, want, got;
    make_inputs(before, c->dims, 1, special, &in);
    run(after, passes);
    evaluate(before, &in, &want);
    evaluate(after, &in, &got);
    compare(passes, &want, &got, rtol);
    free_values(&in);
    free_values(&want);
    free_values(&got);
    mote_module_destroy(&before);
    mote_module_destroy(&after);
}

static void check_text(const pass_case *c)
{
    mote_module *m = parse(c->before), *wanted = parse(c->after != NULL ? c->after : c->before);
    char *want = print(wanted);
    run(m, c->passes);
    char *got = print(m);
    if (strcmp(got, want) != 0)
        fail("passes '%s' give\n%s\nexpected\n%s", c->passes, got, want);
    run(m, c->passes);
    char *again = print(m);
    if (strcmp(got, again) != 0)
        fail("passes '%s' give\n%s\nand, run again,\n%s", c->passes, got, again);
    free(again);
    free(got);
    free(want);
    mote_module_destroy(&m);
    mote_module_destroy(&wanted);
}

/* ---- memory that runs out ---- */

static size_t countdown;

static void *failing_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    if (countdown == 0)
        return NULL;
    countdown--;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void failing_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(p);
}

static void check_memory(const pass_case *c)
{
    mote_allocator allocator = MOTE_ALLOCATOR_INIT;
    allocator.alloc = failing_alloc;
    allocator.free = failing_free;
    mote_status status = MOTE_E_MEMORY;
    for (size_t n = 0; status != MOTE_OK; n += 1 + n / 8) {
        mote_heap small;
        mote_heap_init(&small, &allocator, 0);
        countdown = n;
        mote_module *m;
        const mote_pass_options o = {.lower = false};
        status = mote_module_parse(&small, mote_str_c(c->before), &m, NULL);
        if (status == MOTE_OK)
            status = mote_ops_resolve(m, NULL);
        if (status == MOTE_OK)
            status = mote_infer_module(m, NULL);
        if (status == MOTE_OK)
            status = mote_passes_run(m, &o, NULL);
        mote_module_destroy(&m);
        if (status != MOTE_OK && status != MOTE_E_MEMORY)
            fail("allocation %zu fails: status %d", n, (int)status);
        if (small.used != 0)
            fail("allocation %zu fails: %zu bytes are lost", n, (size_t)small.used);
    }
}

static void check_case(const pass_case *c)
{
    size_t n;
    const mote_pass *list = mote_pass_list(&n);
    check_text(c);
    check_outputs(c, c->passes, c->rtol, false);
    if (c->rtol <= 0)
        check_outputs(c, c->passes, 0, true);
    double loose = fmax(c->rtol, 2e-5);
    for (size_t i = 0; i < n; i++)
        check_outputs(c, list[i].name, loose, false);
    check_outputs(c, "simplify", loose, false);
    check_outputs(c, "lower", loose, false);
    check_memory(c);
    CHECK(heap.used == 0);
}

/* ---- files of cases ---- */

static char *text_of(const char *from, const char *to)
{
    static const char opset[] = "opset \"\" 17\n";
    while (from < to && (*from == ' ' || *from == '\n'))
        from++;
    size_t n = (size_t)(to - from);
    bool has = n >= 6 && (memcmp(from, "opset", 5) == 0 || memcmp(from, "module", 6) == 0);
    char *t = malloc(n + sizeof opset);
    memcpy(t, opset, sizeof opset);
    char *at = has ? t : t + sizeof opset - 1;
    memcpy(at, from, n);
    at[n] = 0;
    return t;
}

static char *line_at(const char *p)
{
    size_t n = strcspn(p, "\n");
    char *t = malloc(n + 1);
    memcpy(t, p, n);
    t[n] = 0;
    return t;
}

/* The next line from p on that begins with "===", or the end. */
static const char *mark(const char *p)
{
    while (*p != 0 && memcmp(p, "===", 3) != 0) {
        p += strcspn(p, "\n");
        p += *p != 0;
    }
    return p;
}

static const char *after_line(const char *p)
{
    p += strcspn(p, "\n");
    return p + (*p != 0);
}

/* Reads the case at p (a line "=== PASSES: label"); returns what follows it. */
static const char *read_case(const char *p, pass_case *c)
{
    *c = (pass_case){0};
    c->passes = line_at(p + 4);
    char *colon = strstr(c->passes, ": ");
    if (colon == NULL) {
        printf("not a case: '%s'\n", c->passes);
        exit(1);
    }
    c->label = colon + 2;
    *colon = 0;
    p = after_line(p);
    for (bool done = false; !done;) {
        if (strncmp(p, "=== rtol ", 9) == 0)
            c->rtol = strtod(p + 9, NULL);
        else if (strncmp(p, "=== dims ", 9) == 0)
            c->dims = line_at(p + 9);
        else
            done = true;
        p = done ? p : after_line(p);
    }
    const char *end = mark(p);
    c->before = text_of(p, end);
    bool becomes = strncmp(end, "=== becomes\n", 12) == 0;
    if (!becomes && strncmp(end, "=== stays\n", 10) != 0) {
        printf("%s: expected '=== becomes' or '=== stays'\n", c->label);
        exit(1);
    }
    p = after_line(end);
    end = mark(p);
    c->after = becomes ? text_of(p, end) : NULL;
    return end;
}

static bool is_wanted(const char *file, const char *label, int argc, char **argv)
{
    bool wanted = argc < 2;
    for (int i = 1; i < argc; i++)
        wanted = wanted || strstr(file, argv[i]) != NULL || strstr(label, argv[i]) != NULL;
    return wanted;
}

static size_t run_file(const char *name, int argc, char **argv)
{
    char path[600];
    snprintf(path, sizeof path, "%s/tests/passes/%s", MOTE_TEST_SOURCE_DIR, name);
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    size_t cases = 0, n = f != NULL ? fread(text, 1, (1 << 20) - 1, f) : 0;
    if (f == NULL || n == (1 << 20) - 1) {
        printf("%s cannot be read\n", path);
        exit(1);
    }
    fclose(f);
    for (const char *p = mark(text); *p != 0;) {
        pass_case c;
        p = read_case(p, &c);
        now = &c;
        if (is_wanted(name, c.label, argc, argv)) {
            cases++;
            mote_heap_init(&heap, NULL, (size_t)256 << 20);
            if (setjmp(next_case) == 0)
                check_case(&c);
        }
        free(c.passes);
        free(c.dims);
        free(c.before);
        free(c.after);
    }
    free(text);
    return cases;
}

int main(int argc, char **argv)
{
    DIR *folder = opendir(MOTE_TEST_SOURCE_DIR "/tests/passes");
    size_t cases = 0;
    for (const struct dirent *e = folder != NULL ? readdir(folder) : NULL; e != NULL; e = readdir(folder)) {
        size_t n = strlen(e->d_name);
        if (n > 6 && strcmp(e->d_name + n - 6, ".cases") == 0)
            cases += run_file(e->d_name, argc, argv);
    }
    if (folder != NULL)
        closedir(folder);
    printf("%zu cases, %zu failures\n", cases, failures);
    return cases == 0 || failures != 0;
}
