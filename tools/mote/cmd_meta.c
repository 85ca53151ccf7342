/* cmd_meta.c - mote meta: a model's metadata read and changed
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include "engine.h"
#include "feed.h"
#include "files.h"
#include "onnx/write.h"
#include "quant/quantizer.h"
#include "session/model.h"
#include <stdlib.h>
#include <string.h>

typedef struct meta_options {
    engine_options engine;
    const char *set, *remove, *output, *key;
    bool json, overwrite;
} meta_options;

static const option_spec table[] = {
    {"set", OPTION_TEXT, offsetof(meta_options, set), "FILE", "store the file's text: preprocessing (checked) unless --key names another key"},
    {"key", OPTION_TEXT, offsetof(meta_options, key), "KEY", "the key that --set writes (mote.preprocess)"},
    {"remove", OPTION_TEXT, offsetof(meta_options, remove), "KEY", "remove a key"},
    {"output", OPTION_TEXT, offsetof(meta_options, output), "MODEL2", "write the changed model here; -o for short"},
    {"overwrite", OPTION_FLAG, offsetof(meta_options, overwrite), NULL, "replace MODEL2 when it exists (it may be MODEL itself)"},
    OPTION_JSON(meta_options),
    OPTION_END};

enum { TEXT_LIMIT = 16 << 20 };

static mote_status remove_key(mote_module *m, const char *key, mote_diag *diag)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n_props; i++)
        if (!mote_str_is(m->props[i].key, key))
            m->props[kept++] = m->props[i];
    MOTE_REQUIRE(kept < m->n_props, diag, MOTE_E_ARGUMENT, "the model has no key '%s'", key);
    m->n_props = kept;
    return MOTE_OK;
}

static mote_status change(const meta_options *o, mote_model *model, mote_diag *diag)
{
    mote_module *m = model->module;
    MOTE_TRY(file_output_allowed(o->output, o->overwrite, diag));
    if (o->remove != NULL)
        MOTE_TRY(remove_key(m, o->remove, diag));
    if (o->set != NULL) {
        void *text;
        size_t n;
        MOTE_TRY(file_read(o->set, TEXT_LIMIT, &text, &n, diag));
        mote_str value = {text, n};
        while (value.n != 0 && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == ' '))
            value.n--;
        const char *key = o->key != NULL ? o->key : "mote.preprocess";
        mote_status status = MOTE_OK;
        if (strcmp(key, "mote.preprocess") == 0)
            status = preprocess_check(model, value.p, value.n, diag);
        if (status == MOTE_OK)
            status = mote_quant_set_property(m, mote_str_c(key), value, diag);
        free(text);
        MOTE_TRY(status);
    }
    return mote_onnx_write_path(m, o->output, &(mote_onnx_write_options){.overwrite = o->overwrite}, diag);
}

static int show(const meta_options *o, const mote_model *m)
{
    json_t *j = json_object();
    for (size_t i = 0; i < m->module->n_props; i++) {
        const mote_prop *p = &m->module->props[i];
        if (!o->json) {
            printf("%s = ", visible(p->key));
            print_visible(p->value.p, p->value.n);
            printf("\n");
            continue;
        }
        json_t *v = json_stringn(p->value.p, p->value.n);
        json_object_set_new(j, visible(p->key), v != NULL ? v : json_null());
    }
    if (o->json)
        return tool_print_json(json_pack("{s:s, s:o}", "schema", "mote.meta/1", "metadata", j));
    json_decref(j);
    return EXIT_DONE;
}

static int run_meta(void *values, int n, char **operand)
{
    meta_options *o = values;
    const command usage = {.name = "meta", .usage = "MODEL [--set FILE | --remove KEY] [-o MODEL2]"};
    if (n != 1)
        return tool_usage(&usage, "give one model");
    bool changes = o->set != NULL || o->remove != NULL;
    if (changes && o->output == NULL)
        return tool_usage(&usage, "a change needs --output");
    mote_diag diag = MOTE_DIAG_INIT;
    engine e;
    o->engine.stop_after = "load";
    mote_status status = engine_load(&e, operand[0], &o->engine, &diag);
    if (status == MOTE_OK && changes)
        status = change(o, e.model, &diag);
    int code = status != MOTE_OK ? tool_fail(o->json, operand[0], status, &diag) : changes ? EXIT_DONE : show(o, e.model);
    engine_close(&e);
    return code;
}

extern const command command_meta;
const command command_meta = {
    "meta", "MODEL [--set FILE | --remove KEY] [-o MODEL2]", "a model's metadata: print, set, remove",
    "Everything else in the model is kept. docs/preprocess.md describes what mote.preprocess holds.", table, sizeof(meta_options), run_meta};
