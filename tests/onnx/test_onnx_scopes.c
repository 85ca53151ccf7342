/* test_onnx_scopes.c - names that subgraphs use anew, and names that stand twice where they must not
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/read.h"
#include "support/onnx_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void add(pb *m, uint32_t field, pb inner) { pb_msg(m, field, &inner); }

static pb number(const char *name) { return onnx_floats(name, 1, (const int64_t[]){1}, (const float[]){1}); }

static pb branch(const char *op, const char *in, const char *out)
{
    pb g = {NULL, 0, 0};
    add(&g, 1, onnx_node(op, in, out));
    add(&g, 12, onnx_value(out, 1, -1, NULL));
    return g;
}

/* A graph of x, c and w whose If makes y by the two branches. */
static pb model_of(pb *then, pb *other)
{
    pb g = {NULL, 0, 0}, n = onnx_node("If", "c", "y");
    onnx_attr_msg(&n, "then_branch", 5, 6, then);
    onnx_attr_msg(&n, "else_branch", 5, 6, other);
    add(&g, 1, onnx_node("Abs", "x", "k"));
    pb_msg(&g, 1, &n);
    add(&g, 5, number("w"));
    add(&g, 11, onnx_value("x", 1, 1, (const int64_t[]){1}));
    add(&g, 11, onnx_value("c", 9, 0, NULL));
    add(&g, 12, onnx_value("y", 1, -1, NULL));
    return onnx_model(&g, 17);
}

typedef struct loaded {
    mote_heap heap;
    mote_module *m;
    mote_onnx_files *files;
    mote_status status;
    mote_diag diag;
} loaded;

static void load_within(loaded *l, const pb *model, size_t limit)
{
    memset(l, 0, sizeof *l);
    l->diag = (mote_diag)MOTE_DIAG_INIT;
    mote_heap_init(&l->heap, NULL, limit);
    mote_onnx_read_options o = {.copy = false};
    l->status = mote_onnx_read_memory(&l->heap, model->p, model->n, &o, &l->m, &l->files, &l->diag);
}

static void load(loaded *l, const pb *model) { load_within(l, model, 0); }

static void unload(loaded *l, pb *model)
{
    mote_module_destroy(&l->m);
    mote_onnx_files_destroy(&l->files);
    assert_int_equal(l->heap.used, 0);
    pb_free(model);
}

static void expect(pb model, mote_status status, const char *words)
{
    loaded l;
    load(&l, &model);
    if (l.status != status || (words != NULL && strstr(l.diag.message, words) == NULL))
        fail_msg("status %d '%s', expected %d with '%s'", (int)l.status, l.diag.message, (int)status, words);
    unload(&l, &model);
}

/* Uses inside see the subgraph's own value, those outside the outer one; the module's names are unique again. */
static void test_hides(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"y", "w", "k", "x", "c"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *name = NAMES[i];
        for (int initializer = 0; initializer < 2; initializer++) {
            pb then = {NULL, 0, 0}, other = branch("Neg", "x", "y");
            add(&then, 1, onnx_node("Relu", name, "r")); /* before the node that makes it */
            if (initializer)
                add(&then, 5, number(name));
            else
                add(&then, 1, onnx_node("Abs", "v", name));
            add(&then, 5, number("v"));
            add(&then, 12, onnx_value("r", 1, -1, NULL));
            add(&then, 12, onnx_value(name, 1, -1, NULL));
            pb model = model_of(&then, &other);
            loaded l;
            load(&l, &model);
            if (l.status != MOTE_OK)
                fail_msg("'%s': %s", name, l.diag.message);
            assert_int_equal(mote_module_verify(l.m, &l.diag), MOTE_OK);
            const mote_graph *inner = mote_node_attr(l.m->graph->last, "then_branch")->g;
            const mote_value *hiding = inner->outputs[1]->value, *read = inner->outputs[0]->value->producer->in[0].value;
            assert_ptr_equal(hiding->graph, inner);
            assert_ptr_equal(read, hiding);
            assert_false(mote_str_is(hiding->name, name));
            assert_int_equal(hiding->constant != NULL, initializer);
            const mote_graph *second = mote_node_attr(l.m->graph->last, "else_branch")->g;
            assert_ptr_equal(second->first->in[0].value, l.m->graph->inputs[0]);
            assert_true(mote_str_is(l.m->graph->outputs[0]->value->name, "y"));
            assert_true(mote_str_is(l.m->graph->inputs[0]->name, "x"));
            unload(&l, &model);
        }
    }
}

/* What a subgraph makes is its own everywhere in it: it cannot be made from the outer value of that name. */
static void test_cycle(void **state)
{
    (void)state;
    pb then = branch("Neg", "k", "k"), other = branch("Neg", "x", "y");
    expect(model_of(&then, &other), MOTE_E_MODEL, NULL);
    then = branch("Neg", "y", "t"), other = branch("Neg", "x", "t"); /* the If's own output */
    expect(model_of(&then, &other), MOTE_E_MODEL, NULL);
}

/* Within one graph, a subgraph too, a name stands once, whether or not a graph around has it. */
static void test_twice(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"w", "new"};
    for (size_t i = 0; i < 2; i++)
        for (int kind = 0; kind < 3; kind++) {
            const char *name = NAMES[i];
            pb then = branch("Neg", "x", "t"), other = branch("Neg", "x", "t");
            for (int k = 0; k < 2; k++)
                if (kind == 0 || (kind == 1 && k == 0))
                    add(&then, 5, number(name));
                else
                    add(&then, 1, onnx_node("Abs", "x", name));
            expect(model_of(&then, &other), MOTE_E_MODEL, "two values are named");
        }
    pb then = branch("Neg", "x", "t"), other = branch("Neg", "x", "t");
    add(&then, 11, onnx_value("w", 1, -1, NULL));
    add(&then, 11, onnx_value("w", 1, -1, NULL));
    expect(model_of(&then, &other), MOTE_E_MODEL, "two graph inputs are named");
    pb g = branch("Neg", "x", "y");
    add(&g, 11, onnx_value("x", 1, -1, NULL));
    add(&g, 5, number("y"));
    expect(onnx_model(&g, 17), MOTE_E_MODEL, "two values are named");
}

/* Memory that ends anywhere, in renaming too, is MOTE_E_MEMORY and leaves nothing behind. */
static void test_memory(void **state)
{
    (void)state;
    mote_status status = MOTE_E_MEMORY;
    size_t limit = 512, refused = 0;
    for (; status != MOTE_OK; limit += 128, refused++) {
        pb then = branch("Neg", "x", "k"), other = branch("Neg", "w", "y"), model;
        add(&other, 5, number("w"));
        model = model_of(&then, &other);
        loaded l;
        load_within(&l, &model, limit);
        status = l.status;
        assert_true(status == MOTE_OK || status == MOTE_E_MEMORY);
        assert_true(limit < 1 << 20);
        unload(&l, &model);
    }
    assert_true(refused > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hides), cmocka_unit_test(test_cycle), cmocka_unit_test(test_twice), cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
