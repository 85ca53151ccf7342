/* fold.c - what is the same at every run is computed once
 * SPDX-License-Identifier: Apache-2.0
 *
 * Values come from two sources: inference, which carries small values through shape arithmetic (Shape of a fixed shape, Gather, Concat, ...), and the
 * reference evaluation of nodes whose inputs are all constant. An If whose condition is constant becomes its branch.
 *
 * Not folded: random operators; dequantization, which makes small weights large; results larger than what they are made of, beyond 256 KB; what would
 * pass the budget of bytes (a constant that only the folded node used counts as given back) or of work; nodes whose evaluation fails: they fail when
 * they run. */
#include "base/platform.h"
#include "base/size.h"
#include "passes/match.h"
#include "passes/pass.h"
#include <string.h>

enum {
    GROWTH_MAX = 1 << 18,   /* bytes of a result that is larger than the constants it comes from */
    WORK_MAX = 1 << 27,     /* elementary operations in all; about 0.3 s of reference evaluation */
    ROUNDS_MAX = 8,         /* of inlined branches, which make more known */
    OUTPUTS_MAX = 16
};

typedef struct folded {
    struct folded *next; /* in the order of the nodes */
    mote_node *node;
    bool complete;       /* every output is known: the node goes */
    bool borrowed[OUTPUTS_MAX]; /* the data of another constant or of an attribute */
    bool known[OUTPUTS_MAX];
    mote_array a[OUTPUTS_MAX];
} folded;

typedef struct folder {
    mote_pass_context *c;
    folded *first, *last; /* node->scratch points to the node's */
    uint64_t work;
    size_t limit;
} folder;

static const mote_array *value_of(const mote_value *v)
{
    if (v->constant != NULL)
        return v->constant;
    const folded *f = v->producer != NULL ? v->producer->scratch : NULL;
    return f != NULL && v->output_index < OUTPUTS_MAX && f->known[v->output_index] ? &f->a[v->output_index] : NULL;
}

static mote_status record_of(folder *w, mote_node *n, folded **out)
{
    *out = n->scratch;
    if (*out != NULL)
        return MOTE_OK;
    folded *f = mote_heap_calloc(w->c->module->heap, 1, sizeof *f);
    if (f == NULL)
        return MOTE_NO_MEMORY(w->c->diag, sizeof *f);
    f->node = n;
    n->scratch = f;
    *(w->last != NULL ? &w->last->next : &w->first) = f;
    w->last = f;
    *out = f;
    return MOTE_OK;
}

/* ---- what inference knows ---- */

static mote_status take_known(void *ctx, mote_value *v, const mote_array *a)
{
    folder *w = ctx;
    folded *f;
    if (v->output_index >= OUTPUTS_MAX || v->uses == NULL || mote_str_is(v->producer->op, "DequantizeLinear") || a->bytes > w->limit - w->c->folded_bytes)
        return MOTE_OK;
    MOTE_TRY(record_of(w, v->producer, &f));
    MOTE_TRY(mote_array_clone(w->c->module->heap, a, &f->a[v->output_index], w->c->diag));
    f->known[v->output_index] = true;
    w->c->folded_bytes += a->bytes;
    return MOTE_OK;
}

/* ---- evaluation ---- */

static bool is_used(const mote_value *v) { return v != NULL && v->uses != NULL; }

static bool all_known(const mote_node *n)
{
    const folded *f = n->scratch;
    for (uint32_t i = 0; i < n->n_out; i++)
        if (is_used(n->out[i]) && (f == NULL || i >= OUTPUTS_MAX || !f->known[i]))
            return false;
    return true;
}

static bool may_fold(const mote_node *n)
{
    const mote_op_def *def = n->def;
    if (def == NULL || def->eval == NULL || (def->flags & (MOTE_OP_RANDOM | MOTE_OP_CONTROL)) != 0 || n->n_out == 0 || n->n_out > OUTPUTS_MAX ||
        mote_str_is(n->op, "DequantizeLinear"))
        return false;
    bool used = false;
    for (uint32_t i = 0; i < n->n_out; i++)
        used = used || is_used(n->out[i]);
    for (uint32_t i = 0; i < n->n_in && used; i++) {
        const mote_array *a = n->in[i].value != NULL ? value_of(n->in[i].value) : NULL;
        if (n->in[i].value != NULL && (a == NULL || a->kind != MOTE_KIND_TENSOR))
            return false;
    }
    return used;
}

typedef struct extent {
    size_t bytes, count; /* of the outputs */
    size_t in_bytes, in_count, released; /* of the inputs; of those that nobody else uses */
} extent;

/* False when the size of an output is not known beforehand. */
static bool measure(const mote_node *n, extent *e)
{
    *e = (extent){0};
    for (uint32_t i = 0; i < n->n_in; i++) {
        const mote_array *a = n->in[i].value != NULL ? value_of(n->in[i].value) : NULL;
        if (a == NULL)
            continue;
        e->in_bytes += a->bytes;
        e->in_count += mote_array_count(a);
        if (mote_value_single_user(n->in[i].value) == n)
            e->released += a->bytes;
    }
    bool open = (n->def->flags & MOTE_OP_DATA_SHAPE) != 0;
    for (uint32_t i = 0; i < n->n_out && !open; i++) {
        mote_array a;
        const mote_type *t = n->out[i] != NULL ? &n->out[i]->type : NULL;
        if (t == NULL)
            continue;
        if (!mote_type_known(t) || mote_array_shape(&a, t->dtype, t->rank, t->dims, NULL) != MOTE_OK || !mote_size_add(e->bytes, a.bytes, &e->bytes))
            return false;
        e->count += mote_array_count(&a);
    }
    if (open) { /* indices of elements, elements: at most 8 bytes for each element and axis */
        e->count = e->in_count;
        return mote_size_mul(e->in_count, 8 * MOTE_MAX_RANK, &e->bytes);
    }
    return true;
}

/* Bytes that folding adds. */
static size_t growth(const extent *e) { return e->bytes > e->released ? e->bytes - e->released : 0; }

static bool affordable(folder *w, const mote_node *n, const extent *e)
{
    if ((e->bytes > e->in_bytes && e->bytes > GROWTH_MAX) || growth(e) > w->limit - w->c->folded_bytes)
        return false;
    /* No operator here reads an input element more than once for an output element. */
    uint64_t each = (n->def->flags & (MOTE_OP_ELEMENTWISE | MOTE_OP_VIEW)) != 0 ? 1 : e->in_count, work;
    static const char *const moves[] = {"Transpose", "Cast",   "Slice", "Concat",          "Gather", "Split", "Pad",          "Expand",
                                        "Tile",      "Range",  "Where", "ConstantOfShape", "Trilu",  "Shape", "DepthToSpace", "QuantizeLinear"};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (mote_str_is(n->op, moves[i]))
            each = 1;
    const mote_array *x = mote_match_in(n, 0) != NULL ? value_of(mote_match_in(n, 0)) : NULL;
    for (int32_t d = 0; x != NULL && mote_str_is(n->op, "MatMul") && d < x->rank; d++)
        each = (uint64_t)x->dims[d];
    if ((mote_str_is(n->op, "Einsum") && n->n_in > 2) || e->in_count + e->count > WORK_MAX || (each != 0 && e->count > WORK_MAX / each))
        return false;
    work = e->in_count + e->count * each;
    if (work > WORK_MAX - w->work)
        return false;
    w->work += work;
    return true;
}

/* A reshaped constant, or the tensor of a Constant, in place. */
static bool borrow(const mote_node *n, folded *f)
{
    if (mote_node_is(n, "", "Constant")) {
        const mote_attr *a = mote_node_attr(n, "value");
        if (a == NULL || a->kind != MOTE_ATTR_TENSOR)
            return false;
        f->a[0] = *a->t;
    } else {
        const mote_value *x = mote_match_in(n, 0);
        const mote_type *t = &n->out[0]->type;
        if ((n->def->flags & MOTE_OP_VIEW) == 0 || x == NULL || x->constant == NULL || n->n_out != 1 || !mote_type_known(t) ||
            mote_array_shape(&f->a[0], t->dtype, t->rank, t->dims, NULL) != MOTE_OK || f->a[0].bytes != x->constant->bytes)
            return false;
        f->a[0].data = x->constant->data;
    }
    f->borrowed[0] = f->known[0] = true;
    return true;
}

static mote_status fold_node(folder *w, mote_node *n)
{
    if (!may_fold(n) || all_known(n))
        return MOTE_OK;
    folded *f;
    extent e;
    if ((n->def->flags & MOTE_OP_VIEW) != 0 || mote_node_is(n, "", "Constant")) {
        MOTE_TRY(record_of(w, n, &f));
        if (borrow(n, f))
            return MOTE_OK;
    }
    if (!measure(n, &e) || !affordable(w, n, &e))
        return MOTE_OK;
    mote_heap *heap = w->c->module->heap;
    const mote_array **in = mote_heap_calloc(heap, (size_t)n->n_in + 1, sizeof *in);
    if (in == NULL)
        return MOTE_NO_MEMORY(w->c->diag, n->n_in * sizeof *in);
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = n->in[i].value != NULL ? value_of(n->in[i].value) : NULL;
    mote_array out[OUTPUTS_MAX];
    mote_status status = mote_eval_node(w->c->module, n, in, out, heap, NULL, NULL, NULL);
    mote_heap_free(heap, in, ((size_t)n->n_in + 1) * sizeof *in);
    if (status != MOTE_OK)
        return status == MOTE_E_MEMORY ? MOTE_NO_MEMORY(w->c->diag, e.bytes) : MOTE_OK;
    e.bytes = 0;
    bool tensors = true;
    for (uint32_t i = 0; i < n->n_out; i++) {
        e.bytes += n->out[i] != NULL ? out[i].bytes : 0;
        tensors = tensors && (n->out[i] == NULL || out[i].kind == MOTE_KIND_TENSOR);
    }
    status = tensors && growth(&e) <= w->limit - w->c->folded_bytes ? record_of(w, n, &f) : MOTE_E_LIMIT;
    for (uint32_t i = 0; i < n->n_out; i++) {
        if (status != MOTE_OK || n->out[i] == NULL || f->known[i]) {
            mote_array_free(heap, &out[i]);
            continue;
        }
        f->a[i] = out[i];
        f->known[i] = true;
    }
    if (status == MOTE_OK)
        w->c->folded_bytes += growth(&e);
    return status == MOTE_E_LIMIT ? MOTE_OK : status;
}

static mote_status fold_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first; n != NULL; n = n->next)
        MOTE_TRY(fold_node(c->state, n));
    return MOTE_OK;
}

/* ---- results into the graph ---- */

/* A value becomes a constant in place: name, users and its standing as an output stay. */
static mote_status make_constant(mote_pass_context *c, mote_value *v, const mote_array *a, bool borrowed)
{
    mote_node *n = v->producer;
    uint32_t i = v->output_index;
    mote_arena *arena = &c->module->arena;
    mote_array *copy = mote_arena_copy(arena, a, sizeof *a);
    if (copy == NULL || (!borrowed && (copy->data = mote_arena_copy(arena, a->data, a->bytes)) == NULL))
        return MOTE_NO_MEMORY(c->diag, a->bytes);
    for (size_t k = 0, count = a->dtype == MOTE_DTYPE_STRING && !borrowed ? mote_array_count(a) : 0; k < count; k++) {
        mote_string *s = &((mote_string *)copy->data)[k];
        mote_str text = mote_arena_str(arena, (mote_str){s->data, s->length});
        if (text.p == NULL)
            return MOTE_NO_MEMORY(c->diag, s->length);
        s->data = text.p;
    }
    mote_value *empty = mote_graph_add_value(n->graph, MOTE_STR("")); /* for the node, which may stay for its other outputs */
    if (empty == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof *empty);
    MOTE_TRY(mote_node_set_output(n, i, NULL));
    empty->type = v->type;
    MOTE_TRY(mote_node_set_output(n, i, empty));
    v->constant = copy;
    v->is_folded = true;
    v->type = (mote_type){.dtype = a->dtype, .rank = a->rank};
    memcpy(v->type.dims, a->dims, sizeof a->dims);
    c->edits++;
    return MOTE_OK;
}

static bool wanted(const mote_value *v)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next) {
        const folded *user = u->node != NULL ? u->node->scratch : NULL;
        if (user == NULL || !user->complete)
            return true;
    }
    return false;
}

static mote_status place(folder *w)
{
    for (folded *f = w->first; f != NULL; f = f->next)
        f->complete = all_known(f->node);
    for (folded *f = w->first; f != NULL; f = f->next)
        for (uint32_t i = 0; i < f->node->n_out && i < OUTPUTS_MAX; i++)
            if (f->known[i] && f->node->out[i] != NULL && wanted(f->node->out[i]))
                MOTE_TRY(make_constant(w->c, f->node->out[i], &f->a[i], f->borrowed[i]));
    return MOTE_OK;
}

static void remove_node(mote_pass_context *c, mote_node *n)
{
    for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != NULL && n->out[i]->uses != NULL)
            return;
    mote_node_remove(n);
    c->edits++;
}

static mote_status sweep(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->last, *prev; n != NULL; n = prev) {
        prev = n->prev;
        const folded *f = n->scratch;
        n->scratch = NULL;
        if (f != NULL && f->complete)
            remove_node(c, n);
    }
    return MOTE_OK;
}

static void forget(folder *w)
{
    mote_heap *heap = w->c->module->heap;
    for (folded *f = w->first, *next; f != NULL; f = next) {
        next = f->next;
        for (size_t i = 0; i < OUTPUTS_MAX; i++)
            if (f->known[i] && !f->borrowed[i])
                mote_array_free(heap, &f->a[i]);
        mote_heap_free(heap, f, sizeof *f);
    }
    w->first = w->last = NULL;
}

/* ---- branches ---- */

static mote_status inline_branch(mote_pass_context *c, mote_node *n)
{
    const mote_array *k = mote_value_const(mote_match_in(n, 0));
    if (k == NULL || k->kind != MOTE_KIND_TENSOR || k->dtype != MOTE_DTYPE_BOOL || mote_array_count(k) != 1)
        return MOTE_OK;
    mote_graph *branch = mote_node_subgraph(n, mote_array_i64(k, 0) != 0 ? "then_branch" : "else_branch");
    if (branch == NULL || branch->n_inputs != 0 || branch->n_outputs != n->n_out)
        return MOTE_OK;
    mote_value **results = mote_arena_calloc(&c->module->arena, n->n_out + 1, sizeof(mote_value *));
    if (results == NULL || mote_graph_inline(branch, results) != MOTE_OK)
        return MOTE_NO_MEMORY(c->diag, n->n_out * sizeof(mote_value *));
    for (uint32_t i = 0; i < n->n_out; i++) {
        mote_value *now = results[i], *old = n->out[i];
        if (old == NULL || old->uses == NULL)
            continue;
        if (!mote_value_can_replace(old, now)) {
            mote_node *same = mote_graph_add_node(n->graph, n, "", "Identity", n->version, 1, 1, true);
            if (same == NULL)
                return MOTE_NO_MEMORY(c->diag, sizeof *same);
            mote_node_set_input(same, 0, now);
            now = same->out[0];
        }
        mote_value_replace(old, now);
    }
    mote_node_remove(n);
    c->edits++;
    return MOTE_OK;
}

static mote_status inline_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        if (mote_node_is(n, "", "If"))
            MOTE_TRY(inline_branch(c, n));
    }
    return MOTE_OK;
}

MOTE_PASS(fold)
{
    folder w = {.c = c, .limit = c->options->fold_limit != 0 ? c->options->fold_limit : MOTE_FOLD_LIMIT};
    c->state = &w;
    mote_status status = MOTE_OK;
    size_t before = SIZE_MAX;
    for (int round = 0; status == MOTE_OK && before != c->edits && round < ROUNDS_MAX; round++) {
        before = c->edits;
        if (round > 0)
            status = mote_ops_resolve(c->module, c->diag);
        if (status == MOTE_OK)
            status = mote_infer_module_known(c->module, take_known, &w, c->diag);
        if (status == MOTE_OK)
            status = mote_pass_each_graph(c, fold_graph);
        if (status == MOTE_OK)
            status = place(&w);
        (void)mote_pass_each_graph(c, sweep);
        forget(&w);
        size_t folds = c->edits;
        if (status == MOTE_OK)
            status = mote_pass_each_graph(c, inline_graph);
        if (folds == c->edits) /* only branches make more known */
            before = c->edits;
    }
    c->state = NULL;
    return status;
}
