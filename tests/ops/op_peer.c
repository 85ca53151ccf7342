/* op_peer.c - for tests in other languages: the operator table as JSON, and models run one behind the other over a pipe
 * SPDX-License-Identifier: Apache-2.0
 *
 * op_peer dump: a JSON list, an object for each row of the table.
 * op_peer serve: reads requests from stdin and answers each on stdout, until the end of the input. Numbers are little-endian u32 unless said.
 *   request: mode (bit 0: reference evaluation, bit 1: no passes), model bytes, the model, inputs; for each: type, rank, dims (i64), bytes (u64), data.
 *   answer: status, length of the text, the text (step, operator, node, message), outputs (0 unless all went well); for each as above.
 * Strings are u32 length and bytes, each. An input of type 0 is not given. */
#include "base/platform.h"
#include "ops/op.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"none", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs", "sparse", "sparses", "type", "types"};

static void dump(void)
{
    size_t count;
    const mote_op_def *const *t = mote_op_table(&count);
    printf("[");
    for (size_t i = 0; i < count; i++) {
        const mote_op_def *d = t[i];
        printf("%s\n{\"domain\": \"%s\", \"name\": \"%s\", \"since\": %d, \"removed\": %s, \"flags\": %u, \"in\": \"%s\", \"out\": \"%s\", \"types\": {", i == 0 ? "" : ",",
               d->domain, d->name, (int)d->since, d->removed ? "true" : "false", d->flags, d->in == NULL ? "" : d->in, d->out == NULL ? "" : d->out);
        for (const mote_type_var *v = d->types; v != NULL && v->name[0] != 0; v++) {
            printf("%s\"%s\": {\"kinds\": %u, \"dtypes\": [", v == d->types ? "" : ", ", v->name, v->kinds == 0 ? 1 : v->kinds);
            const char *comma = "";
            for (int e = 1; e < MOTE_DTYPE_COUNT; e++)
                if (mote_dtype_in((mote_dtype)e, v->dtypes))
                    printf("%s%d", comma, e), comma = ", ";
            printf("]}");
        }
        printf("}, \"attrs\": {");
        for (const mote_attr_spec *a = d->attrs; a != NULL && a->name != NULL; a++) {
            printf("%s\"%s\": {\"kind\": \"%s\", \"required\": %s", a == d->attrs ? "" : ", ", a->name, kinds[a->kind], a->required ? "true" : "false");
            if (!a->required && a->kind == MOTE_ATTR_INT)
                printf(", \"default\": %lld", (long long)a->i);
            if (!a->required && a->kind == MOTE_ATTR_FLOAT)
                printf(", \"default\": %.9g", (double)a->f);
            if (!a->required && a->kind == MOTE_ATTR_STRING && a->s != NULL)
                printf(", \"default\": \"%s\"", a->s);
            printf("}");
        }
        printf("}}");
    }
    printf("\n]\n");
}

static void get(void *p, size_t n)
{
    if (n != 0 && fread(p, 1, n, stdin) != n) {
        fprintf(stderr, "op_peer: a request ends early\n");
        exit(1);
    }
}

static uint32_t get_u32(void)
{
    uint32_t v;
    get(&v, sizeof v);
    return v;
}

static void put(const void *p, size_t n)
{
    if (n != 0 && fwrite(p, 1, n, stdout) != n)
        exit(1);
}

static void put_u32(uint32_t v) { put(&v, sizeof v); }

static void *room(size_t n)
{
    void *p = aligned_alloc(64, (n + 64) / 64 * 64);
    if (p == NULL)
        abort();
    return p;
}

typedef struct given {
    mote_tensor t;
    void *data, *chars;
} given;

static given get_tensor(void)
{
    given g = {.t = MOTE_TENSOR_INIT};
    uint64_t bytes;
    mote_dtype type = (mote_dtype)get_u32();
    int32_t rank = (int32_t)get_u32();
    int64_t dims[MOTE_MAX_RANK];
    if (rank < 0 || rank > MOTE_MAX_RANK)
        exit(1);
    get(dims, (size_t)rank * sizeof *dims);
    get(&bytes, sizeof bytes);
    g.data = room(bytes);
    get(g.data, bytes);
    if (type == MOTE_DTYPE_NONE)
        return g;
    if (type == MOTE_DTYPE_STRING) {
        size_t n = 1;
        for (int32_t d = 0; d < rank; d++)
            n *= (size_t)dims[d];
        mote_string *s = room(n * sizeof *s);
        g.chars = g.data;
        g.data = s;
        const char *p = g.chars;
        for (size_t i = 0; i < n; i++) {
            uint32_t length;
            memcpy(&length, p, 4);
            s[i] = (mote_string){p + 4, length};
            p += 4 + length;
        }
    }
    if (mote_tensor_describe(&g.t, type, rank, dims, g.data) != MOTE_OK)
        exit(1);
    return g;
}

static void put_tensor(const mote_tensor *t)
{
    const void *data = mote_tensor_map(t);
    size_t n = (size_t)mote_tensor_count(t), bytes = 0;
    put_u32((uint32_t)t->dtype);
    put_u32((uint32_t)t->rank);
    put(t->shape, (size_t)t->rank * sizeof t->shape[0]);
    if (t->dtype == MOTE_DTYPE_STRING) {
        const mote_string *s = data;
        uint64_t all = 0;
        for (size_t i = 0; i < n; i++)
            all += 4 + s[i].length;
        put(&all, sizeof all);
        for (size_t i = 0; i < n; i++)
            put_u32((uint32_t)s[i].length), put(s[i].data, s[i].length);
        return;
    }
    if (!mote_dtype_bytes(t->dtype, n, &bytes))
        exit(1);
    uint64_t all = bytes;
    put(&all, sizeof all);
    put(data, bytes);
}

static const char *run(const void *bytes, size_t n, uint32_t mode, given *in, size_t n_in, mote_model **model, mote_session **session, mote_diag *diag, mote_status *status)
{
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    load.reference = (mode & 1) != 0;
    load.disabled_passes = (mode & 2) != 0 ? "all" : NULL;
    load.memory_limit = o.memory_limit = (size_t)512 << 20;
    o.threads = 1;
    if ((*status = mote_model_load_memory(bytes, n, &load, model, diag)) != MOTE_OK)
        return "load";
    if ((*status = mote_session_create(*model, &o, session, diag)) != MOTE_OK)
        return "create";
    mote_tensor *shapes = calloc(n_in + 1, sizeof *shapes);
    if (shapes == NULL)
        abort();
    for (size_t i = 0; i < n_in; i++)
        shapes[i] = in[i].t, shapes[i].buffer = NULL;
    *status = mote_session_prepare(*session, shapes, n_in, diag);
    free(shapes);
    if (*status != MOTE_OK)
        return "prepare";
    for (size_t i = 0; i < n_in; i++)
        if (in[i].t.dtype != MOTE_DTYPE_NONE && (*status = mote_session_bind_input(*session, i, &in[i].t, diag)) != MOTE_OK)
            return "bind";
    *status = mote_session_run(*session, NULL, diag);
    return "run";
}

static void serve(void)
{
    uint32_t mode;
    while (fread(&mode, 1, sizeof mode, stdin) == sizeof mode) {
        size_t n = get_u32();
        void *bytes = room(n);
        get(bytes, n);
        size_t n_in = get_u32();
        given *in = room(n_in * sizeof *in);
        for (size_t i = 0; i < n_in; i++)
            in[i] = get_tensor();
        mote_model *model = NULL;
        mote_session *session = NULL;
        mote_status status = MOTE_OK;
        mote_diag diag = MOTE_DIAG_INIT;
        const char *step = run(bytes, n, mode, in, n_in, &model, &session, &diag, &status);
        char text[700];
        snprintf(text, sizeof text, "%s: %s: %s '%s': %s", step, mote_status_string(status), diag.op, diag.node, diag.message);
        put_u32((uint32_t)status);
        put_u32((uint32_t)strlen(text));
        put(text, strlen(text));
        size_t n_out = status == MOTE_OK ? mote_model_output_count(model) : 0;
        put_u32((uint32_t)n_out);
        for (size_t i = 0; i < n_out; i++)
            put_tensor(mote_session_output(session, i));
        fflush(stdout);
        mote_session_destroy(&session);
        mote_model_destroy(&model);
        for (size_t i = 0; i < n_in; i++)
            free(in[i].data), free(in[i].chars);
        free(in);
        free(bytes);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "dump") == 0)
        dump();
    else if (argc == 2 && strcmp(argv[1], "serve") == 0)
        serve();
    else {
        fprintf(stderr, "usage: op_peer dump | serve\n");
        return 2;
    }
    return 0;
}
