/* prep.c - descriptions made and asked
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/prep.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mote_prep_warn(const mote_prep *p, const char *fmt, ...)
{
    if (p->log == NULL)
        return;
    char line[384];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    p->log(p->log_ctx, MOTE_LOG_WARNING, line);
}

static mote_status fill(mote_prep *p, const char *json, size_t bytes, mote_diag *diag)
{
    const char *own = json == NULL && p->model != NULL ? mote_model_metadata(p->model, MOTE_PREP_KEY) : NULL;
    if (own != NULL) {
        json = own;
        bytes = strlen(own);
    }
    if (json != NULL) {
        MOTE_TRY(mote_prep_parse(p, (mote_str){json, bytes}, diag));
        if (p->model == NULL)
            return MOTE_OK;
        MOTE_TRY(mote_prep_check_model(p, diag));
        if (json != own && !p->trust)
            MOTE_TRY(mote_prep_agree(p, diag));
        mote_prep_compare_image_keys(p);
        return MOTE_OK;
    }
    bool found = false;
    if (p->model != NULL)
        MOTE_TRY(mote_prep_from_image_keys(p, &found, diag));
    MOTE_REQUIRE(found, diag, MOTE_E_ARGUMENT, "the model carries no preprocessing: its metadata has neither " MOTE_PREP_KEY " nor Image.* keys");
    return mote_prep_check_model(p, diag);
}

mote_status mote_prep_create(const mote_model *model, const char *json, size_t bytes, const mote_prep_options *options, mote_prep **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(out != NULL, diag, MOTE_E_ARGUMENT, "out is NULL");
    *out = NULL;
    mote_prep_options o = MOTE_PREP_OPTIONS_INIT;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT, "preprocessing options of %zu bytes",
                     options->struct_size);
        memcpy(&o, options, options->struct_size);
    }
    mote_heap heap;
    mote_heap_init(&heap, o.allocator, 0);
    mote_prep *p = mote_heap_calloc(&heap, 1, sizeof *p);
    if (p == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *p);
    mote_heap_init(&p->heap, o.allocator, 0);
    mote_arena_init(&p->arena, &p->heap);
    p->model = model;
    p->log = o.log;
    p->log_ctx = o.log_ctx;
    p->trust = o.trust_input;
    mote_status status = fill(p, json, bytes, diag);
    if (status != MOTE_OK) {
        mote_prep_destroy(&p);
        return status;
    }
    *out = p;
    return MOTE_OK;
}

void mote_prep_destroy(mote_prep **prep)
{
    if (prep == NULL || *prep == NULL)
        return;
    mote_prep *p = *prep;
    mote_arena_deinit(&p->arena);
    const mote_allocator a = p->heap.allocator;
    a.free(a.ctx, p, sizeof *p);
    *prep = NULL;
}

size_t mote_prep_input_count(const mote_prep *p) { return p->n_inputs; }

const mote_prep_input *mote_prep_input_at(const mote_prep *p, size_t index) { return index < p->n_inputs ? &p->inputs[index] : NULL; }

const mote_prep_input *mote_prep_input_find(const mote_prep *p, const char *name, mote_prep_kind kind)
{
    for (size_t i = 0; i < p->n_inputs; i++)
        if (name != NULL ? strcmp(p->inputs[i].name, name) == 0 : p->inputs[i].kind == kind)
            return &p->inputs[i];
    return NULL;
}

const mote_prep_tokenizer *mote_prep_tokenizer_info(const mote_prep *p) { return p->has_tokenizer ? &p->tokenizer : NULL; }

const mote_prep_output *mote_prep_output_info(const mote_prep *p) { return &p->output; }

const char *mote_prep_label(const mote_prep *p, int64_t class_index)
{
    return class_index >= 0 && (uint64_t)class_index < p->output.n_labels ? p->output.labels[class_index] : NULL;
}
