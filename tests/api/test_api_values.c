/* test_api_values.c - sequences, optionals and strings in a session: as inputs, outputs, in control flow; what a caller may get wrong
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"

#define NET "module ir 10 opset \"\" 21 graph "

static size_t live; /* bytes that the models and sessions hold */
static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    live += bytes;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}
static void counted_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx;
    live -= p != NULL ? bytes : 0;
    free(p);
}

typedef struct net {
    void *bytes;
    mote_model *model;
    mote_session *s;
    mote_diag diag;
} net;

static net open_net(const char *text)
{
    static const mote_allocator allocator = {sizeof allocator, NULL, counted_alloc, counted_free};
    live = 0;
    net n = {.diag = MOTE_DIAG_INIT};
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.allocator = &allocator;
    n.model = model_of(text, &o, &n.bytes);
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 1;
    n.s = session_of(n.model, &so);
    return n;
}

static void close_net(net *n)
{
    mote_session_destroy(&n->s);
    mote_model_destroy(&n->model);
    free(n->bytes);
    assert_int_equal(live, 0);
}

static mote_tensor floats(float *p, int64_t n)
{
    mote_tensor t;
    assert_int_equal(mote_tensor_describe(&t, MOTE_DTYPE_F32, 1, &n, p), MOTE_OK);
    return t;
}

static mote_tensor listed(mote_kind kind, size_t n, mote_tensor *items)
{
    mote_tensor t;
    assert_int_equal(mote_tensor_describe_items(&t, kind, n, items), MOTE_OK);
    return t;
}

static const mote_tensor *run(net *n, size_t output)
{
    ASSERT_OK(mote_session_run(n->s, NULL, &n->diag), n->diag);
    return mote_session_output(n->s, output);
}

static const mote_tensor *item(const mote_tensor *t, size_t i)
{
    assert_true(t->kind != MOTE_KIND_TENSOR && (int64_t)i < t->shape[0]);
    return (const mote_tensor *)mote_tensor_map(t) + i;
}

static void assert_floats(const mote_tensor *t, size_t n, ...)
{
    va_list args;
    assert_int_equal(t->kind, MOTE_KIND_TENSOR);
    assert_int_equal(t->dtype, MOTE_DTYPE_F32);
    assert_int_equal(mote_tensor_count(t), n);
    va_start(args, n);
    for (size_t i = 0; i < n; i++)
        assert_float_equal(((float *)mote_tensor_map(t))[i], va_arg(args, double), 0);
    va_end(args);
}

static void assert_words(const mote_tensor *t, size_t n, ...)
{
    va_list args;
    assert_int_equal(t->dtype, MOTE_DTYPE_STRING);
    assert_int_equal(mote_tensor_count(t), n);
    va_start(args, n);
    for (size_t i = 0; i < n; i++) {
        const char *want = va_arg(args, const char *);
        const mote_string *s = (const mote_string *)mote_tensor_map(t) + i;
        assert_int_equal(s->length, strlen(want));
        assert_memory_equal(s->data, want, s->length);
    }
    va_end(args);
}

static void sequences(void **state)
{
    (void)state;
    net n = open_net(NET "(s: seq(float32[*]), x: float32[2]) { t = SequenceInsert(s, x) n = SequenceLength(t) const last: int64[] {-1} e = SequenceAt(s, last)\n"
                         "d = Neg(e) return t, n, d, s }");
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    assert_int_equal(mote_model_input_info(n.model, 0, &info), MOTE_OK);
    assert_int_equal(info.kind, MOTE_KIND_SEQUENCE);
    assert_int_equal(info.element_kind, MOTE_KIND_TENSOR);
    assert_int_equal(info.element_dtype, MOTE_DTYPE_F32);
    assert_int_equal(info.dtype, MOTE_DTYPE_NONE);
    assert_int_equal(mote_session_input(n.s, 0)->kind, MOTE_KIND_SEQUENCE);
    assert_int_equal(mote_session_run(n.s, NULL, &n.diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(n.diag, "'s' is a sequence, and nothing is bound");
    float a[3] = {1, 2, 3}, b[2] = {4, 5};
    mote_tensor items[2] = {floats(a, 3), floats(b, 2)}, s = listed(MOTE_KIND_SEQUENCE, 2, items);
    ((float *)mote_tensor_map(mote_session_input(n.s, 1)))[0] = 7;
    ((float *)mote_tensor_map(mote_session_input(n.s, 1)))[1] = 8;
    for (size_t k = 2; k > 0; k--) {
        s.shape[0] = (int64_t)k;
        ASSERT_OK(mote_session_bind_input(n.s, 0, &s, &n.diag), n.diag);
        assert_int_equal(mote_session_input(n.s, 0)->shape[0], k);
        const mote_tensor *t = run(&n, 0);
        assert_int_equal(t->kind, MOTE_KIND_SEQUENCE);
        assert_int_equal(t->shape[0], k + 1);
        assert_floats(item(t, 0), 3, 1.0, 2.0, 3.0);
        assert_floats(item(t, k), 2, 7.0, 8.0);
        assert_int_equal(*(int64_t *)mote_tensor_map(mote_session_output(n.s, 1)), k + 1);
        if (k == 2)
            assert_floats(mote_session_output(n.s, 2), 2, -4.0, -5.0);
        else
            assert_floats(mote_session_output(n.s, 2), 3, -1.0, -2.0, -3.0);
        assert_int_equal(mote_session_output(n.s, 3)->shape[0], k);
        assert_floats(item(mote_session_output(n.s, 3), 0), 3, 1.0, 2.0, 3.0);
    }
    /* the list was copied, the elements are read where they lie */
    a[0] = 9;
    memset(items, 0, sizeof items);
    assert_floats(item(run(&n, 0), 0), 3, 9.0, 2.0, 3.0);
    /* an empty one runs where it is not looked into; here SequenceAt says so, and the session goes on */
    s = listed(MOTE_KIND_SEQUENCE, 0, NULL);
    ASSERT_OK(mote_session_bind_input(n.s, 0, &s, &n.diag), n.diag);
    assert_int_equal(mote_session_run(n.s, NULL, &n.diag), MOTE_E_VALUE);
    assert_string_equal(n.diag.op, "SequenceAt");
    items[0] = floats(b, 2);
    s = listed(MOTE_KIND_SEQUENCE, 1, items);
    ASSERT_OK(mote_session_bind_input(n.s, 0, &s, &n.diag), n.diag);
    assert_floats(item(run(&n, 0), 0), 2, 4.0, 5.0);
    mote_tensor shapes[2] = {s, SHAPE(MOTE_DTYPE_F32, 2)};
    ASSERT_OK(mote_session_prepare(n.s, shapes, 2, &n.diag), n.diag);
    assert_floats(item(run(&n, 0), 0), 2, 4.0, 5.0);
    ASSERT_OK(mote_session_bind_input(n.s, 0, NULL, &n.diag), n.diag);
    assert_int_equal(mote_session_run(n.s, NULL, &n.diag), MOTE_E_ARGUMENT);
    close_net(&n);
}

static void mistakes(void **state)
{
    (void)state;
    net n = open_net(NET "(s: seq(float32[2,?]), o: opt(seq(int64[*])), x: float32[2]) { n = SequenceLength(s) h = OptionalHasElement(o) y = Neg(x) return n, h, y }");
    float a[4] = {0};
    int64_t two[2] = {2, 2};
    mote_tensor good, t, list, wrap;
    assert_int_equal(mote_tensor_describe(&good, MOTE_DTYPE_F32, 2, two, a), MOTE_OK);
#define BAD(index, tensor, status, words)                                                                              \
    do {                                                                                                               \
        assert_int_equal(mote_session_bind_input(n.s, index, tensor, &n.diag), status);                                \
        ASSERT_SAYS(n.diag, words);                                                                                    \
    } while (0)
    BAD(0, &good, MOTE_E_DTYPE, "'s' is a tensor, expected a sequence");
    t = floats(a, 4);
    list = listed(MOTE_KIND_SEQUENCE, 1, &t);
    BAD(0, &list, MOTE_E_SHAPE, "expected rank 2");
    BAD(2, &list, MOTE_E_DTYPE, "a sequence");
    BAD(1, &list, MOTE_E_DTYPE, "'o' is a sequence, expected an optional");
    wrap = listed(MOTE_KIND_OPTIONAL, 1, &list);
    BAD(1, &wrap, MOTE_E_DTYPE, "float32, expected int64");
    t = listed(MOTE_KIND_OPTIONAL, 1, &good);
    BAD(1, &t, MOTE_E_DTYPE, "'o' holds a tensor, expected a sequence");
    t = good;
    list = listed(MOTE_KIND_SEQUENCE, 1, &t);
    t.shape[0] = 3;
    BAD(0, &list, MOTE_E_SHAPE, "expected dimension 0 to be 2");
    t = good;
    t.dtype = (mote_dtype)77;
    BAD(0, &list, MOTE_E_DTYPE, "77");
    t = good;
    t.buffer = NULL;
    BAD(0, &list, MOTE_E_ARGUMENT, "no memory");
    t = good;
    t.bytes = 15;
    BAD(0, &list, MOTE_E_ARGUMENT, "15 bytes");
    t = good;
    t.offset = 1;
    BAD(0, &list, MOTE_E_ARGUMENT, "aligned");
    t = good;
    t.strides[0] = 1;
    BAD(0, &list, MOTE_E_UNSUPPORTED, "contiguous");
    t = good;
    t.struct_size = 8;
    BAD(0, &list, MOTE_E_ARGUMENT, "element 0");
    list.shape[0] = -1;
    BAD(0, &list, MOTE_E_ARGUMENT, "not described");
    list = listed(MOTE_KIND_SEQUENCE, 1, &t);
    list.buffer = NULL;
    BAD(0, &list, MOTE_E_ARGUMENT, "not described");
    list = good;
    list.kind = (mote_kind)9;
    BAD(0, &list, MOTE_E_DTYPE, "of no kind");
    assert_int_equal(mote_tensor_describe_items(&list, MOTE_KIND_TENSOR, 0, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_tensor_describe_items(&list, MOTE_KIND_SEQUENCE, 1, NULL), MOTE_E_ARGUMENT);
    mote_tensor many[2] = {good, good};
    assert_int_equal(mote_tensor_describe_items(&list, MOTE_KIND_OPTIONAL, 2, many), MOTE_E_ARGUMENT);
    list = listed(MOTE_KIND_SEQUENCE, 2, many);
    list.kind = MOTE_KIND_OPTIONAL;
    BAD(1, &list, MOTE_E_ARGUMENT, "2 elements");
    mote_tensor shapes[3] = {good, list, SHAPE(MOTE_DTYPE_F32, 2)};
    assert_int_equal(mote_session_prepare(n.s, shapes, 3, &n.diag), MOTE_E_DTYPE);
    ASSERT_SAYS(n.diag, "expected a sequence");
    shapes[0] = listed(MOTE_KIND_SEQUENCE, 0, NULL);
    ASSERT_OK(mote_session_prepare(n.s, shapes, 3, &n.diag), n.diag);
    assert_int_equal(mote_session_run(n.s, NULL, &n.diag), MOTE_E_ARGUMENT);
    close_net(&n);
}

static void optionals(void **state)
{
    (void)state;
    net n = open_net(NET "(o: opt(float32[?])) { h = OptionalHasElement(o) y = If(h) {then_branch=graph () { e = OptionalGetElement(o) f = Neg(e) return f },\n"
                         "else_branch=graph () { const z: float32[1] {5.0} g = Identity(z) return g }} const w: float32[2] {1.0, 2.0} p = Optional(w)\n"
                         "q = Optional() {type=type seq(float32[*])} return h, y, p, q, o }");
    float a[3] = {1, 2, 3};
    mote_tensor x = floats(a, 3), o;
    for (int round = 0; round < 4; round++) {
        const size_t has = round % 2 == 0;
        o = listed(MOTE_KIND_OPTIONAL, has, &x);
        ASSERT_OK(mote_session_bind_input(n.s, 0, &o, &n.diag), n.diag);
        assert_int_equal(*(uint8_t *)mote_tensor_map(run(&n, 0)), has);
        if (has)
            assert_floats(mote_session_output(n.s, 1), 3, -1.0, -2.0, -3.0);
        else
            assert_floats(mote_session_output(n.s, 1), 1, 5.0);
        assert_int_equal(mote_session_output(n.s, 2)->kind, MOTE_KIND_OPTIONAL);
        assert_floats(item(mote_session_output(n.s, 2), 0), 2, 1.0, 2.0);
        assert_int_equal(mote_session_output(n.s, 3)->kind, MOTE_KIND_OPTIONAL);
        assert_int_equal(mote_session_output(n.s, 3)->shape[0], 0);
        assert_int_equal(mote_session_output(n.s, 4)->shape[0], has);
        if (has)
            assert_floats(item(mote_session_output(n.s, 4), 0), 3, 1.0, 2.0, 3.0);
    }
    close_net(&n);
    /* an optional sequence */
    n = open_net(NET "(o: opt(seq(float32[*]))) { s = OptionalGetElement(o) n = SequenceLength(s) p = Optional(s) return n, p, s }");
    mote_tensor items[3] = {x, x, x}, s = listed(MOTE_KIND_SEQUENCE, 3, items);
    o = listed(MOTE_KIND_OPTIONAL, 1, &s);
    ASSERT_OK(mote_session_bind_input(n.s, 0, &o, &n.diag), n.diag);
    assert_int_equal(*(int64_t *)mote_tensor_map(run(&n, 0)), 3);
    assert_floats(item(item(mote_session_output(n.s, 1), 0), 2), 3, 1.0, 2.0, 3.0);
    assert_floats(item(mote_session_output(n.s, 2), 1), 3, 1.0, 2.0, 3.0);
    o = listed(MOTE_KIND_OPTIONAL, 0, NULL);
    ASSERT_OK(mote_session_bind_input(n.s, 0, &o, &n.diag), n.diag);
    assert_int_equal(mote_session_run(n.s, NULL, &n.diag), MOTE_E_VALUE);
    close_net(&n);
}

/* Sequences as states of a loop, captured by its body, made in branches; a list that grows. */
static void control(void **state)
{
    (void)state;
    net n = open_net(NET "(m: int64[], x: float32[2], s: seq(float32[*])) {\n"
                         "  e = SequenceEmpty()\n"
                         "  t, u = Loop(m, _, e, x) {body=graph (i: int64[], go: bool[], a: seq(float32[*]), v: float32[2]) { g = Identity(go)\n"
                         "    b = SequenceInsert(a, v) const zero: int64[] {0} c = SequenceAt(s, zero) w = Add(v, c)\n"
                         "    const two: int64[] {2} r = Mod(i, two) odd = Cast(r) {to=9}\n"
                         "    d = If(odd) {then_branch=graph () { k = SequenceInsert(b, w) return k }, else_branch=graph () { l = Identity(b) return l }}\n"
                         "    return g, d, w }} n = SequenceLength(t) return t, u, n }");
    float a[2] = {10, 20}, *x = mote_tensor_map(mote_session_input(n.s, 1));
    mote_tensor step = floats(a, 2), s = listed(MOTE_KIND_SEQUENCE, 1, &step);
    ASSERT_OK(mote_session_bind_input(n.s, 2, &s, &n.diag), n.diag);
    x[0] = 1, x[1] = 2;
    static const int64_t trips[] = {4, 0, 1, 9, 4, 300};
    for (size_t r = 0; r < sizeof trips / sizeof *trips; r++) {
        const int64_t m = trips[r], want = m + m / 2; /* an odd iteration inserts twice */
        *(int64_t *)mote_tensor_map(mote_session_input(n.s, 0)) = m;
        const mote_tensor *t = run(&n, 0);
        assert_int_equal(t->kind, MOTE_KIND_SEQUENCE);
        assert_int_equal(t->shape[0], want);
        assert_int_equal(*(int64_t *)mote_tensor_map(mote_session_output(n.s, 2)), want);
        assert_floats(mote_session_output(n.s, 1), 2, 1.0 + 10.0 * (double)m, 2.0 + 20.0 * (double)m);
        for (int64_t i = 0, k = 0; i < m; i++) {
            assert_floats(item(t, (size_t)k++), 2, 1.0 + 10.0 * (double)i, 2.0 + 20.0 * (double)i);
            if (i % 2 == 1)
                assert_floats(item(t, (size_t)k++), 2, 11.0 + 10.0 * (double)i, 22.0 + 20.0 * (double)i);
        }
    }
    close_net(&n);
    /* SequenceMap, with a captured value and a second input that is a tensor */
    n = open_net(NET "(s: seq(float32[*]), x: float32[1], k: float32[1]) { y, z = SequenceMap(s, x) {body=graph (e: float32[*], f: float32[1]) { p = Mul(e, f) q = Add(p, k)\n"
                     "r = Shape(e) return q, r }} return y, z }");
    float b[3] = {1, 2, 3};
    mote_tensor items[2] = {floats(a, 2), floats(b, 3)};
    s = listed(MOTE_KIND_SEQUENCE, 2, items);
    ASSERT_OK(mote_session_bind_input(n.s, 0, &s, &n.diag), n.diag);
    *(float *)mote_tensor_map(mote_session_input(n.s, 1)) = 2;
    *(float *)mote_tensor_map(mote_session_input(n.s, 2)) = 100;
    for (int r = 0; r < 2; r++) {
        const mote_tensor *y = run(&n, 0);
        assert_int_equal(y->shape[0], 2);
        assert_floats(item(y, 0), 2, 120.0, 140.0);
        assert_floats(item(y, 1), 3, 102.0, 104.0, 106.0);
        assert_int_equal(*(int64_t *)mote_tensor_map(item(mote_session_output(n.s, 1), 1)), 3);
    }
    close_net(&n);
}

static void put_word(const mote_tensor *t, size_t i, const char *word)
{
    ((mote_string *)mote_tensor_map(t))[i] = (mote_string){word, strlen(word)};
}

static void strings(void **state)
{
    (void)state;
    /* through a plan, views, branches, a loop's states and scan outputs, a sequence */
    net n = open_net("module ir 10 opset \"\" 20 graph (x: string[2], c: bool[], m: int64[]) { const z: string[1] {\"!\"} a = StringConcat(x, z) const two: int64[2] {2, 1}\n"
                     "b = Reshape(a, two) d = If(c) {then_branch=graph () { e = StringConcat(a, z) return e }, else_branch=graph () { return x }}\n"
                     "f, g, s = Loop(m, _, x) {body=graph (i: int64[], go: bool[], v: string[2]) { k = Identity(go) w = StringConcat(v, z) return k, w, v, d }}\n"
                     "q = SequenceConstruct(a, d, b) return b, d, f, g, s, q, x, z }");
    static const char *const words[2][2] = {{"one", ""}, {"a rather long word that no small buffer holds", "\xc3\xa9"}};
    for (int r = 0; r < 6; r++) {
        const char *u = words[r % 2][0], *v = words[r % 2][1];
        char u1[100], v1[100], u2[100], v2[100];
        snprintf(u1, sizeof u1, "%s!", u);
        snprintf(v1, sizeof v1, "%s!", v);
        snprintf(u2, sizeof u2, "%s!!", u);
        snprintf(v2, sizeof v2, "%s!!", v);
        put_word(mote_session_input(n.s, 0), 0, u);
        put_word(mote_session_input(n.s, 0), 1, v);
        const bool c = r % 3 == 0;
        *(uint8_t *)mote_tensor_map(mote_session_input(n.s, 1)) = c;
        *(int64_t *)mote_tensor_map(mote_session_input(n.s, 2)) = 2;
        assert_words(run(&n, 0), 2, u1, v1);
        assert_words(mote_session_output(n.s, 1), 2, c ? u2 : u, c ? v2 : v);
        assert_words(mote_session_output(n.s, 2), 2, u2, v2);
        assert_words(mote_session_output(n.s, 3), 4, u, v, u1, v1);
        assert_words(mote_session_output(n.s, 4), 4, c ? u2 : u, c ? v2 : v, c ? u2 : u, c ? v2 : v);
        assert_words(item(mote_session_output(n.s, 5), 0), 2, u1, v1);
        assert_words(item(mote_session_output(n.s, 5), 1), 2, c ? u2 : u, c ? v2 : v);
        assert_words(mote_session_output(n.s, 6), 2, u, v);
        assert_words(mote_session_output(n.s, 7), 1, "!");
    }
    close_net(&n);
    /* Scan over strings; a sequence of strings from outside */
    n = open_net("module ir 10 opset \"\" 20 graph (x: string[3,2], s: seq(string[*])) { const z: string[2] {\">\", \">\"}\n"
                 "a, b = Scan(z, x) {body=graph (h: string[2], e: string[2]) { i = StringConcat(h, e) o = StringConcat(e, h) return i, o }, num_scan_inputs=1}\n"
                 "const one: int64[] {1} y = SequenceAt(s, one) return a, b, y }");
    for (size_t i = 0; i < 6; i++)
        put_word(mote_session_input(n.s, 0), i, (const char *[]){"a", "b", "c", "d", "e", "f"}[i]);
    mote_string text[2] = {{"first", 5}, {"second", 6}};
    int64_t one = 1;
    mote_tensor items[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(mote_tensor_describe(&items[i], MOTE_DTYPE_STRING, 1, &one, &text[i]), MOTE_OK);
    mote_tensor s = listed(MOTE_KIND_SEQUENCE, 2, items);
    ASSERT_OK(mote_session_bind_input(n.s, 1, &s, &n.diag), n.diag);
    for (int r = 0; r < 2; r++) {
        assert_words(run(&n, 0), 2, ">ace", ">bdf");
        assert_words(mote_session_output(n.s, 1), 6, "a>", "b>", "c>a", "d>b", "e>ac", "f>bd");
        assert_words(mote_session_output(n.s, 2), 1, "second");
    }
    close_net(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sequences), cmocka_unit_test(mistakes), cmocka_unit_test(optionals), cmocka_unit_test(control),
                                       cmocka_unit_test(strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
