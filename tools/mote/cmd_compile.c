/* cmd_compile.c - mote compile: a model packed for one machine family, in a file that is mapped
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "decoder.h"
#include "engine.h"
#include "files.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct compile_options {
    const char *output, *target, *dims, *disable;
    uint64_t memory_limit;
    bool keep, overwrite, json;
} compile_options;

static const option_spec table[] = {
    {"output", OPTION_TEXT, offsetof(compile_options, output), "FILE", "the compiled model to write; -o for short"},
    {"target", OPTION_TEXT, offsetof(compile_options, target), "FAMILY", "x86-64-vnni, x86-64-avx512, x86-64-avx2, arm64 or plain; this machine's by default"},
    {"dims", OPTION_TEXT, offsetof(compile_options, dims), "N=1,L=128", "sizes of named dimensions to pack for; 1 where nothing says"},
    {"keep-weights", OPTION_FLAG, offsetof(compile_options, keep), NULL, "keep the weights unpacked, too: any sizes run, in a larger file"},
    {"overwrite", OPTION_FLAG, offsetof(compile_options, overwrite), NULL, "replace FILE when it exists"},
    {"memory-limit", OPTION_SIZE, offsetof(compile_options, memory_limit), "SIZE", "bytes that the model may take (\"64MB\")"},
    {"disable-passes", OPTION_TEXT, offsetof(compile_options, disable), "LIST", "passes to leave out, or \"all\""},
    OPTION_JSON(compile_options),
    OPTION_END};

static long long size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (long long)st.st_size : 0;
}

/* Shapes for --dims; without it the library's own rule stands. */
static mote_status shapes_of(const char *path, const compile_options *o, mote_tensor **shapes, size_t *n, mote_diag *diag)
{
    engine e;
    const engine_options plain = {.stop_after = "infer"};
    mote_status status = engine_load(&e, path, &plain, diag);
    if (status == MOTE_OK) {
        *n = mote_model_input_count(e.model);
        mote_array *arrays = calloc(*n + 1, sizeof *arrays);
        *shapes = calloc(*n + 1, sizeof **shapes);
        status = arrays == NULL || *shapes == NULL ? MOTE_NO_MEMORY(diag, *n) : engine_shapes(e.model, o->dims, NULL, arrays, diag);
        for (size_t i = 0; i < *n && status == MOTE_OK; i++) {
            (*shapes)[i] = (mote_tensor)MOTE_TENSOR_INIT;
            (*shapes)[i].kind = arrays[i].kind;
            if (arrays[i].dtype != MOTE_DTYPE_NONE)
                status = mote_tensor_describe(&(*shapes)[i], arrays[i].dtype, arrays[i].rank, arrays[i].dims, NULL);
        }
        free(arrays);
    }
    engine_close(&e);
    return status;
}

static int run_compile(void *values, int n, char **operand)
{
    const compile_options *o = values;
    const command usage = {.name = "compile", .usage = "MODEL -o FILE [--target FAMILY]"};
    if (n != 1 || o->output == NULL)
        return tool_usage(&usage, n != 1 ? "give one model" : "--output says where the compiled model goes");
    mote_diag diag = MOTE_DIAG_INIT;
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    load.memory_limit = (size_t)o->memory_limit;
    load.disabled_passes = o->disable;
    load.custom_ops = tool_operators();
    mote_tensor *shapes = NULL;
    mote_compile_options c = MOTE_COMPILE_OPTIONS_INIT;
    c.family = o->target;
    c.keep_weights = o->keep;
    c.load = &load;
    const double start = clock_ms();
    mote_status status = file_output_allowed(o->output, o->overwrite, &diag);
    if (status == MOTE_OK && o->dims != NULL)
        status = shapes_of(operand[0], o, &shapes, &c.shape_count, &diag);
    c.shapes = shapes;
    if (status == MOTE_OK)
        status = mote_model_compile(operand[0], o->output, &c, &diag);
    free(shapes);
    if (status != MOTE_OK)
        return tool_fail(o->json, operand[0], status, &diag);
    const double ms = clock_ms() - start;
    const char *family = o->target != NULL ? o->target : mote_cpu_family(0);
    if (o->json)
        return tool_print_json(json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:f}", "schema", "mote.compile/1", "model", operand[0], "output", o->output, "family", family,
                                         "bytes_before", (json_int_t)size_of(operand[0]), "bytes", (json_int_t)size_of(o->output), "ms", ms));
    fprintf(stderr, "%s: %.2f MB -> %.2f MB, for %s, %.2f s\n", o->output, (double)size_of(operand[0]) / 1e6, (double)size_of(o->output) / 1e6, family, ms / 1e3);
    return EXIT_DONE;
}

extern const command command_compile;
const command command_compile = {
    "compile", "MODEL -o FILE [--target FAMILY]", "a model packed for one machine family, ready in milliseconds",
    "Every command that takes a model takes the file that this writes, on machines of the family, with this version of mote: the weights are mapped as the kernels read "
    "them. The results have the same bits. docs/compile.md.",
    table, sizeof(compile_options), run_compile};
