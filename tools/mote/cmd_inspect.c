/* cmd_inspect.c - mote inspect and mote dump: what is in a model
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include "describe.h"
#include "engine.h"
#include "quantized.h"
#include "passes/pass.h"
#include "session/model.h"
#include <stdlib.h>
#include <string.h>

typedef struct inspect_options {
    engine_options engine;
    const char *dims;
    bool json, nodes;
} inspect_options;

static const option_spec inspect_table[] = {
    {"dims", OPTION_TEXT, offsetof(inspect_options, dims), "N=1,L=128", "plan for these sizes of named dimensions and report the memory"},
    {"nodes", OPTION_FLAG, offsetof(inspect_options, nodes), NULL, "list every node with its output types and what will run it"},
    ENGINE_OPTIONS(inspect_options),
    OPTION_JSON(inspect_options),
    OPTION_END};

typedef struct op_count {
    mote_str domain, op;
    int32_t version;
    size_t n;
} op_count;

typedef struct summary {
    op_count *ops;
    size_t n_ops, cap, nodes, parameters, parameter_bytes, external;
    size_t bytes_by_type[MOTE_DTYPE_COUNT], count_by_type[MOTE_DTYPE_COUNT];
    bool failed;
} summary;

static void count_graph(summary *s, const mote_graph *g, int depth)
{
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        if (v->constant != NULL && v->constant->kind == MOTE_KIND_TENSOR) {
            size_t n = mote_array_count(v->constant);
            s->parameters += n;
            s->parameter_bytes += v->constant->bytes;
            s->bytes_by_type[v->constant->dtype] += v->constant->bytes;
            s->count_by_type[v->constant->dtype] += n;
        }
    for (const mote_node *n = g->first; n != NULL; n = n->next) {
        size_t i = 0;
        while (i < s->n_ops && !(mote_str_eq(s->ops[i].op, n->op) && mote_str_eq(s->ops[i].domain, n->domain)))
            i++;
        if (i == s->n_ops) {
            if (s->n_ops == s->cap) {
                size_t cap = s->cap == 0 ? 64 : s->cap * 2;
                op_count *grown = realloc(s->ops, cap * sizeof *grown);
                if (grown == NULL) {
                    s->failed = true;
                    return;
                }
                s->ops = grown;
                s->cap = cap;
            }
            s->ops[s->n_ops++] = (op_count){n->domain, n->op, n->version, 0};
        }
        s->ops[i].n++;
        s->nodes++;
        for (const mote_attr *a = n->attrs; a != NULL && depth > 0; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                count_graph(s, a->g, depth - 1);
            for (size_t k = 0; a->kind == MOTE_ATTR_GRAPHS && k < a->n; k++)
                count_graph(s, a->graphs[k], depth - 1);
        }
    }
}

static int by_count(const void *a, const void *b)
{
    const op_count *x = a, *y = b;
    return x->n < y->n ? 1 : x->n > y->n ? -1 : 0;
}

static void type_text(const mote_model *m, const mote_value *v, mote_text *t)
{
    t->n = 0;
    mote_type_print(m->module, &v->type, t);
}

static json_t *values_json(const mote_model *m, bool outputs, mote_text *t)
{
    json_t *list = json_array();
    const mote_graph *g = m->module->graph;
    for (size_t i = 0; i < (outputs ? g->n_outputs : g->n_inputs); i++) {
        const mote_value *v = outputs ? g->outputs[i]->value : g->inputs[i];
        type_text(m, v, t);
        json_t *j = json_pack("{s:s, s:s, s:b}", "name", v->name.p, "type", t->p, "optional", !outputs && v->constant != NULL);
        json_array_append_new(list, j != NULL ? j : json_null());
    }
    return list;
}

static int inspect_json(const mote_model *m, const summary *s, const mote_model *quantized, const mote_memory_info *memory, mote_text *t)
{
    json_t *ops = json_array(), *types = json_object(), *meta = json_object(), *opsets = json_object();
    for (size_t i = 0; i < s->n_ops; i++)
        json_array_append_new(ops, json_pack("{s:s%, s:s%, s:i, s:i}", "domain", s->ops[i].domain.p, s->ops[i].domain.n, "op", s->ops[i].op.p,
                                             s->ops[i].op.n, "version", (int)s->ops[i].version, "count", (int)s->ops[i].n));
    for (int d = 0; d < MOTE_DTYPE_COUNT; d++)
        if (s->count_by_type[d] != 0)
            json_object_set_new(types, mote_dtype_name((mote_dtype)d), json_pack("{s:I, s:I}", "elements", (json_int_t)s->count_by_type[d], "bytes", (json_int_t)s->bytes_by_type[d]));
    for (size_t i = 0; i < m->module->n_props; i++) {
        json_t *v = json_stringn(m->module->props[i].value.p, m->module->props[i].value.n);
        json_object_set_new(meta, m->module->props[i].key.p, v != NULL ? v : json_null());
    }
    for (size_t i = 0; i < m->module->n_opsets; i++)
        json_object_set_new(opsets, m->module->opsets[i].domain.n ? m->module->opsets[i].domain.p : "ai.onnx", json_integer(m->module->opsets[i].version));
    json_t *j = json_pack("{s:s, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "schema", "mote.inspect/1", "ir_version",
                          (json_int_t)m->module->ir_version, "opsets", opsets, "inputs", values_json(m, false, t), "outputs", values_json(m, true, t),
                          "nodes", (json_int_t)s->nodes, "parameters", (json_int_t)s->parameters, "parameter_bytes", (json_int_t)s->parameter_bytes,
                          "parameter_types", types, "operators", ops, "metadata", meta);
    if (j != NULL)
        json_object_set_new(j, "preprocessing", describe_prep_json(m));
    if (j != NULL && quantized != NULL)
        json_object_set_new(j, "quantized", quantized_json(quantized));
    if (j != NULL && memory != NULL)
        json_object_set_new(j, "memory", json_pack("{s:I, s:I, s:I, s:I}", "model_bytes", (json_int_t)memory->model_bytes, "mapped_bytes",
                                                   (json_int_t)memory->mapped_bytes, "arena_bytes", (json_int_t)memory->arena_bytes, "session_bytes",
                                                   (json_int_t)memory->session_bytes));
    return tool_print_json(j);
}

static void inspect_text(const mote_model *m, const summary *s, const mote_model *quantized, const mote_memory_info *memory, mote_text *t)
{
    const mote_module *x = m->module;
    printf("producer    %s %s\nIR version  %lld\nopsets     ", visible(x->producer_name), visible(x->producer_version), (long long)x->ir_version);
    for (size_t i = 0; i < x->n_opsets; i++)
        printf(" %s %lld%s", visible(x->opsets[i].domain.n ? x->opsets[i].domain : MOTE_STR("ai.onnx")), (long long)x->opsets[i].version,
               i + 1 < x->n_opsets ? "," : "");
    printf("\nnodes       %zu\nparameters  %zu (%.2f MB)\n", s->nodes, s->parameters, (double)s->parameter_bytes / 1e6);
    for (int d = 0; d < MOTE_DTYPE_COUNT; d++)
        if (s->count_by_type[d] != 0)
            printf("            %-10s %12zu  %9.3f MB\n", mote_dtype_name((mote_dtype)d), s->count_by_type[d], (double)s->bytes_by_type[d] / 1e6);
    const mote_graph *g = x->graph;
    for (int outputs = 0; outputs < 2; outputs++) {
        printf("%s\n", outputs ? "outputs" : "inputs");
        for (size_t i = 0; i < (outputs ? g->n_outputs : g->n_inputs); i++) {
            const mote_value *v = outputs ? g->outputs[i]->value : g->inputs[i];
            type_text(m, v, t);
            if (outputs || v->constant == NULL)
                printf("            %s  %s\n", visible(v->name), t->p != NULL ? visible_c(t->p) : "");
        }
    }
    printf("operators\n");
    for (size_t i = 0; i < s->n_ops; i++)
        printf("            %6zu  %s%s%s\n", s->ops[i].n, visible(s->ops[i].domain), s->ops[i].domain.n ? "." : "", visible(s->ops[i].op));
    if (quantized != NULL)
        quantized_print(quantized);
    if (x->n_props != 0)
        printf("metadata\n");
    for (size_t i = 0; i < x->n_props; i++)
        printf("            %s = %s%s\n", visible(x->props[i].key), visible(x->props[i].value), x->props[i].value.n > 200 ? " ..." : "");
    describe_prep(m);
    if (memory != NULL)
        printf("memory      model %.2f MB, mapped %.2f MB, tensors %.2f MB, session %.2f MB\n", (double)memory->model_bytes / 1e6,
               (double)memory->mapped_bytes / 1e6, (double)memory->arena_bytes / 1e6, (double)memory->session_bytes / 1e6);
}

static int run_inspect(void *values, int n, char **operand)
{
    inspect_options *o = values;
    if (n != 1)
        return tool_usage(&(command){.name = "inspect", .usage = "MODEL [options]"}, "give one model");
    mote_diag diag = MOTE_DIAG_INIT;
    engine e, planned = {0}, integer = {0};
    engine_options plain = o->engine;
    plain.stop_after = "infer";
    mote_status status = engine_load(&e, operand[0], &plain, &diag);
    mote_memory_info memory = MOTE_MEMORY_INFO_INIT;
    if (status == MOTE_OK && o->dims != NULL) {
        status = engine_open(&planned, operand[0], &o->engine, &diag);
        if (status == MOTE_OK)
            status = engine_feed_random(&planned, o->dims, NULL, 0, &diag);
        if (status == MOTE_OK)
            status = mote_session_memory(planned.session, &memory);
        engine_close(&planned);
    }
    plain.stop_after = QUANTIZED_STAGE;
    if (status == MOTE_OK && !e.model->compiled && quantized_any(e.model))
        status = engine_load(&integer, operand[0], &plain, &diag);
    if (status != MOTE_OK) {
        engine_close(&e);
        return tool_fail(o->json, operand[0], status, &diag);
    }
    summary s = {0};
    count_graph(&s, e.model->module->graph, 100);
    qsort(s.ops, s.n_ops, sizeof *s.ops, by_count);
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_text t;
    mote_text_init(&t, &heap);
    mote_text_put(&t, "", 0);
    int code = EXIT_DONE;
    if (o->json)
        code = inspect_json(e.model, &s, integer.model, o->dims != NULL ? &memory : NULL, &t);
    else
        inspect_text(e.model, &s, integer.model, o->dims != NULL ? &memory : NULL, &t);
    for (const mote_node *node = e.model->module->graph->first; node != NULL && o->nodes && !o->json; node = node->next) {
        printf("  %-20s %s ->", visible(node->op), visible(node->name));
        for (uint32_t i = 0; i < node->n_out; i++)
            if (node->out[i] != NULL) {
                type_text(e.model, node->out[i], &t);
                printf(" %s", visible_c(t.p));
            }
        printf("\n");
    }
    mote_text_deinit(&t);
    free(s.ops);
    engine_close(&integer);
    engine_close(&e);
    return s.failed ? EXIT_FAILED : code;
}

extern const command command_inspect;
const command command_inspect = {
    "inspect", "MODEL [options]", "what is in a model: inputs, outputs, operators, parameters, metadata, preprocessing",
    "With --dims the model is also planned for these sizes, and the memory that it will take is reported without running it.", inspect_table,
    sizeof(inspect_options), run_inspect};

/* ---- dump ---- */

typedef struct dump_options {
    engine_options engine;
    const char *stage;
    bool json, list;
} dump_options;

static const option_spec dump_table[] = {
    {"stage", OPTION_TEXT, offsetof(dump_options, stage), "STAGE", "stop after: load, infer, the name of a pass, simplify, lower (the default)"},
    {"list", OPTION_FLAG, offsetof(dump_options, list), NULL, "print the stages and what each pass does; no model is needed"},
    ENGINE_OPTIONS(dump_options),
    OPTION_JSON(dump_options),
    OPTION_END};

static bool put(void *ctx, const char *text, size_t n)
{
    (void)ctx;
    return fwrite(text, 1, n, stdout) == n;
}

typedef struct gathered {
    char *p;
    size_t n;
} gathered;

static bool gather(void *ctx, const char *text, size_t n)
{
    gathered *g = ctx;
    char *grown = realloc(g->p, g->n + n + 1);
    if (grown == NULL)
        return false;
    memcpy(grown + g->n, text, n);
    g->p = grown;
    g->n += n;
    return true;
}

static int list_stages(bool json)
{
    size_t n;
    const mote_pass *list = mote_pass_list(&n);
    if (json) {
        json_t *passes = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(passes, json_pack("{s:s, s:b, s:s}", "name", list[i].name, "portable", !list[i].lower, "doc", list[i].doc));
        return tool_print_json(json_pack("{s:s, s:o}", "schema", "mote.passes/1", "passes", passes));
    }
    printf("  %-12s the file as it was read\n  %-12s types and shapes inferred\n", "load", "infer");
    for (size_t i = 0; i < n; i++) {
        if (list[i].lower && (i == 0 || !list[i - 1].lower))
            printf("  %-12s all passes above: the result is of standard operators\n", "simplify");
        printf("  %-12s %s\n", list[i].name, list[i].doc);
    }
    printf("  %-12s all passes\n", "lower");
    return EXIT_DONE;
}

static int run_dump(void *values, int n, char **operand)
{
    dump_options *o = values;
    if (o->list)
        return list_stages(o->json);
    if (n != 1)
        return tool_usage(&(command){.name = "dump", .usage = "MODEL [--stage STAGE]"}, "give one model");
    mote_diag diag = MOTE_DIAG_INIT;
    engine e;
    o->engine.stop_after = o->stage;
    mote_status status = engine_load(&e, operand[0], &o->engine, &diag);
    int code = EXIT_DONE;
    if (status == MOTE_OK && o->json) {
        gathered g = {NULL, 0};
        status = mote_model_dump(e.model, gather, &g);
        json_t *text = status == MOTE_OK ? json_stringn(g.p == NULL ? "" : g.p, g.n) : NULL;
        if (text != NULL)
            code = tool_print_json(json_pack("{s:s, s:s, s:o}", "schema", "mote.dump/1", "stage", o->stage != NULL ? o->stage : "lower", "text", text));
        free(g.p);
    } else if (status == MOTE_OK) {
        status = mote_model_dump(e.model, put, NULL);
    }
    engine_close(&e);
    return status == MOTE_OK ? code : tool_fail(o->json, operand[0], status, &diag);
}

extern const command command_dump;
const command command_dump = {"dump", "MODEL [--stage STAGE] | --list", "the graph as text after any stage of preparation",
                              "The text is the form that docs/ir.md describes; large constants are abbreviated.", dump_table, sizeof(dump_options), run_dump};
