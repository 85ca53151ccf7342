/* parse_output.c - a description's text: what the outputs mean
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/parse.h"
#include <string.h>

#define LABELS "task", "output", "labels", "labels_file", "label_offset"

static mote_status read_labels(mote_prep *p, const prep_scope *s)
{
    mote_prep_output *o = &p->output;
    int64_t offset = 0;
    MOTE_TRY(mote_field_string(s, "labels_file", &o->labels_file));
    MOTE_TRY(mote_field_integer(s, "label_offset", 0, 1 << 20, &offset));
    o->label_offset = (int32_t)offset;
    const mote_json *j = mote_json_get(s->object, "labels");
    if (j == NULL || j->kind == MOTE_JSON_NULL)
        return MOTE_OK;
    if (j->kind != MOTE_JSON_ARRAY || j->count == 0)
        return mote_field_fail(s, "labels", "is %s, expected an array of strings that is not empty", mote_json_kind_name(j->kind));
    if (o->labels_file != NULL)
        return mote_field_fail(s, "labels", "and labels_file stand together; one of them is possible");
    const char **labels = mote_arena_calloc(&p->arena, j->count, sizeof *labels);
    if (labels == NULL)
        return MOTE_NO_MEMORY(s->diag, j->count * sizeof *labels);
    for (const mote_json *e = j->u.items.first; e != NULL; e = e->next) {
        if (e->kind != MOTE_JSON_STRING || strlen(e->u.string.p) != e->u.string.n)
            return mote_field_fail(s, "labels", "[%zu] is %s, expected a string without NUL", o->n_labels, mote_json_kind_name(e->kind));
        labels[o->n_labels++] = e->u.string.p;
    }
    o->labels = labels;
    return MOTE_OK;
}

static mote_status read_detect(mote_prep *p, const prep_scope *s)
{
    static const char *const names[] = {LABELS, "boxes", "box_format", "box_scale", "softmax", "background", "score_threshold", "iou_threshold", "max_boxes", NULL};
    static const char *const formats[] = {"xyxy", "xywh", "cxcywh", NULL}, *const scales[] = {"relative", "pixels", NULL};
    mote_prep_output *o = &p->output;
    int format = 0, scale = 0;
    int64_t background = -1;
    MOTE_TRY(mote_field_only(s, names));
    MOTE_TRY(mote_field_string(s, "boxes", &o->boxes));
    if (o->boxes == NULL)
        return mote_field_fail(s, "boxes", "is missing");
    MOTE_TRY(mote_field_word(s, "box_format", formats, &format));
    MOTE_TRY(mote_field_word(s, "box_scale", scales, &scale));
    MOTE_TRY(mote_field_bool(s, "softmax", &o->softmax));
    MOTE_TRY(mote_field_integer(s, "background", -1, 1 << 20, &background));
    MOTE_TRY(mote_field_float(s, "score_threshold", -1e6, 1e6, &o->score_threshold));
    MOTE_TRY(mote_field_float(s, "iou_threshold", 0, 1, &o->iou_threshold));
    MOTE_TRY(mote_field_size(s, "max_boxes", 100000, &o->max_boxes));
    o->box_format = (mote_box_format)format;
    o->box_pixels = scale == 1;
    o->background = (int32_t)background;
    if (mote_prep_input_find(p, NULL, MOTE_PREP_IMAGE) == NULL)
        return mote_field_fail(s, "task", "is \"detect\", and no input is an image");
    return MOTE_OK;
}

static mote_status read_speech(mote_prep *p, const prep_scope *s)
{
    static const char *const names[] = {"task", "output", "threshold", "end_threshold", "min_speech_ms", "min_silence_ms", "pad_ms", NULL};
    mote_speech_options *o = &p->output.speech;
    int64_t speech = o->min_speech_ms, silence = o->min_silence_ms, pad = o->pad_ms;
    MOTE_TRY(mote_field_only(s, names));
    MOTE_TRY(mote_field_float(s, "threshold", 0, 1, &o->threshold));
    MOTE_TRY(mote_field_float(s, "end_threshold", 0, 1, &o->end_threshold));
    MOTE_TRY(mote_field_integer(s, "min_speech_ms", 0, 3600000, &speech));
    MOTE_TRY(mote_field_integer(s, "min_silence_ms", 0, 3600000, &silence));
    MOTE_TRY(mote_field_integer(s, "pad_ms", 0, 3600000, &pad));
    o->min_speech_ms = (uint32_t)speech;
    o->min_silence_ms = (uint32_t)silence;
    o->pad_ms = (uint32_t)pad;
    const mote_prep_input *in = mote_prep_input_find(p, NULL, MOTE_PREP_AUDIO);
    if (in == NULL || !in->streamed)
        return mote_field_fail(s, "task", "is \"speech\", and no input is audio with a stream");
    o->sample_rate = in->sampling_rate;
    o->hop = in->hop;
    return MOTE_OK;
}

static mote_status read_sound(mote_prep *p, const prep_scope *s)
{
    static const char *const names[] = {"task", "output", "sampling_rate", "overlap_add", NULL};
    const mote_prep_input *in = mote_prep_input_find(p, NULL, MOTE_PREP_AUDIO);
    if (in == NULL)
        return mote_field_fail(s, "task", "is \"sound\", and no input is audio");
    MOTE_TRY(mote_field_only(s, names));
    int64_t rate = in->sampling_rate;
    MOTE_TRY(mote_field_integer(s, "sampling_rate", 1, 1000000, &rate));
    MOTE_TRY(mote_field_bool(s, "overlap_add", &p->output.overlap_add));
    p->output.sampling_rate = (uint32_t)rate;
    if (p->output.overlap_add && !in->streamed)
        return mote_field_fail(s, "overlap_add", "is true, and the sound is not streamed");
    return MOTE_OK;
}

mote_status mote_prep_parse_output(mote_prep *p, const prep_scope *root)
{
    static const char *const tasks[] = {"classify", "detect", "tag", "speech", "sound", NULL};
    static const char *const classify_names[] = {LABELS, "softmax", NULL}, *const tag_names[] = {LABELS, NULL};
    mote_prep_output *o = &p->output;
    *o = (mote_prep_output){.background = -1, .score_threshold = 0.5f, .iou_threshold = 0.5f, .max_boxes = 100, .speech = MOTE_SPEECH_OPTIONS_INIT};
    prep_scope s;
    int task = 0;
    MOTE_TRY(mote_field_object(root, "output", &s));
    if (s.object == NULL)
        return MOTE_OK;
    if (!mote_field_there(&s, "task"))
        return mote_field_fail(&s, "task", "is missing");
    MOTE_TRY(mote_field_word(&s, "task", tasks, &task));
    o->task = (mote_prep_task)(task + 1);
    MOTE_TRY(mote_field_string(&s, "output", &o->output));
    if (o->output == NULL)
        return mote_field_fail(&s, "output", "is missing");
    switch (o->task) {
    case MOTE_TASK_SPEECH: return read_speech(p, &s);
    case MOTE_TASK_SOUND: return read_sound(p, &s);
    case MOTE_TASK_DETECT: MOTE_TRY(read_detect(p, &s)); break;
    case MOTE_TASK_TAG:
        MOTE_TRY(mote_field_only(&s, tag_names));
        if (!p->has_tokenizer)
            return mote_field_fail(&s, "task", "is \"tag\", and no input takes text");
        if (!mote_field_there(&s, "labels"))
            return mote_field_fail(&s, "labels", "is missing");
        break;
    default:
        MOTE_TRY(mote_field_only(&s, classify_names));
        MOTE_TRY(mote_field_bool(&s, "softmax", &o->softmax));
        break;
    }
    return read_labels(p, &s);
}
