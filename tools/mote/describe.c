/* describe.c - a model's description of its preprocessing, in words
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include "describe.h"
#include <mote/mote_prep.h>

static const char *const kinds[] = {"array", "image", "text", "audio", "state", "sampling_rate"};
static const char *const tasks[] = {"none", "classify", "detect", "tag", "speech", "sound"};

static bool has_description(const mote_model *m)
{
    return mote_model_metadata(m, MOTE_PREP_KEY) != NULL || mote_model_metadata(m, "Image.BitmapPixelFormat") != NULL;
}

static void image_words(const mote_image_prep *p)
{
    static const char *const channels[] = {"RGB", "BGR", "gray"}, *const filters[] = {"nearest", "Lanczos", "bilinear", "bicubic", "box", "Hamming"};
    printf(" %s", channels[p->channels]);
    if (p->fit == MOTE_FIT_SHORTEST_EDGE)
        printf(", shortest edge to %d", (int)p->shortest_edge);
    else if (p->fit != MOTE_FIT_NONE)
        printf(", %s %d x %d", p->fit == MOTE_FIT_LETTERBOX ? "letterboxed into" : "resized to", (int)p->width, (int)p->height);
    if (p->fit != MOTE_FIT_NONE)
        printf(" (%s)", filters[p->resample]);
    if (p->crop_width != 0)
        printf(", center %d x %d", (int)p->crop_width, (int)p->crop_height);
    if (p->pad_width != 0)
        printf(", padded to %d x %d", (int)p->pad_width, (int)p->pad_height);
    if (p->rescale)
        printf(", times %.6g", p->rescale_factor);
    if (p->normalize && p->channels == MOTE_CHANNELS_GRAY)
        printf(", less %.6g, by %.6g", p->mean[0], p->std[0]);
    else if (p->normalize)
        printf(", less [%.6g, %.6g, %.6g], by [%.6g, %.6g, %.6g]", p->mean[0], p->mean[1], p->mean[2], p->std[0], p->std[1], p->std[2]);
}

static void input_words(const mote_prep_input *in)
{
    static const char *const parts[] = {"input_ids", "attention_mask", "token_type_ids"};
    printf("            %s: %s", visible_c(in->name), kinds[in->kind]);
    if (in->kind == MOTE_PREP_IMAGE)
        image_words(&in->image);
    else if (in->kind == MOTE_PREP_TEXT)
        printf(" %s", parts[in->part]);
    else if (in->kind == MOTE_PREP_STATE)
        printf(" from %s", visible_c(in->state_output));
    else if (in->kind == MOTE_PREP_AUDIO)
        printf(" %u Hz", (unsigned)in->sampling_rate);
    if (in->streamed)
        printf(", windows of %zu every %zu behind %zu", in->window, in->hop, in->context);
    if (in->framed)
        printf(", frames of %zu every %zu, %zu %s", in->frames.window_length, in->frames.hop, in->frames.n_mfcc != 0 ? in->frames.n_mfcc : in->frames.n_mels,
               in->frames.n_mfcc != 0 ? "cepstra" : "mel bands");
    if (in->has_range)
        printf(", in [%.6g, %.6g]", in->low, in->high);
    printf("\n");
}

void describe_prep(const mote_model *model)
{
    mote_prep *p;
    mote_diag diag = MOTE_DIAG_INIT;
    if (!has_description(model))
        return;
    printf("preprocessing\n");
    if (mote_prep_create(model, NULL, 0, NULL, &p, &diag) != MOTE_OK) {
        printf("            not usable: %s\n", diag.message);
        return;
    }
    for (size_t i = 0; i < mote_prep_input_count(p); i++)
        input_words(mote_prep_input_at(p, i));
    const mote_prep_output *o = mote_prep_output_info(p);
    if (o->task != MOTE_TASK_NONE)
        printf("            %s: %s%s\n", visible_c(o->output), tasks[o->task], o->softmax ? ", softmax" : "");
    mote_prep_destroy(&p);
}

json_t *describe_prep_json(const mote_model *model)
{
    mote_prep *p;
    mote_diag diag = MOTE_DIAG_INIT;
    if (!has_description(model))
        return json_null();
    if (mote_prep_create(model, NULL, 0, NULL, &p, &diag) != MOTE_OK) {
        json_t *error = json_pack("{s:s}", "error", diag.message);
        return error != NULL ? error : json_null();
    }
    json_t *inputs = json_object();
    for (size_t i = 0; i < mote_prep_input_count(p); i++)
        json_object_set_new(inputs, mote_prep_input_at(p, i)->name, json_string(kinds[mote_prep_input_at(p, i)->kind]));
    json_t *all = json_pack("{s:o, s:s}", "inputs", inputs, "task", tasks[mote_prep_output_info(p)->task]);
    mote_prep_destroy(&p);
    return all;
}
