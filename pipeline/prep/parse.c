/* parse.c - a description's text: inputs, tokenizer
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/parse.h"
#include <string.h>

/* Names that Hugging Face's files carry and that say nothing about what is to be done. */
#define INFORMATIVE "image_processor_type", "feature_extractor_type", "processor_class", "tokenizer_class"

/* ---- pictures ---- */

/* {"height", "width"}, both. */
static mote_status read_size(const prep_scope *s, const char *name, int32_t *width, int32_t *height, bool *there)
{
    static const char *const names[] = {"height", "width", NULL};
    prep_scope size;
    MOTE_TRY(mote_field_object(s, name, &size));
    *there = size.object != NULL;
    if (!*there)
        return MOTE_OK;
    MOTE_TRY(mote_field_only(&size, names));
    for (size_t i = 0; i < 2; i++)
        if (!mote_field_there(&size, names[i]))
            return mote_field_fail(s, name, "has no %s", names[i]);
    MOTE_TRY(mote_field_side(&size, "width", width));
    return mote_field_side(&size, "height", height);
}

static mote_status read_resize(const prep_scope *s, mote_image_prep *p)
{
    bool resize = false, letterbox = false, there;
    MOTE_TRY(mote_field_bool(s, "do_resize", &resize));
    MOTE_TRY(mote_field_bool(s, "do_letterbox", &letterbox));
    prep_scope size;
    MOTE_TRY(mote_field_object(s, "size", &size));
    if (resize && size.object == NULL)
        return mote_field_fail(s, "size", "is missing, and do_resize is true");
    if (letterbox && !resize)
        return mote_field_fail(s, "do_letterbox", "is true, and do_resize is not");
    if (size.object != NULL && mote_field_there(&size, "shortest_edge")) {
        static const char *const names[] = {"shortest_edge", NULL};
        MOTE_TRY(mote_field_only(&size, names));
        MOTE_TRY(mote_field_side(&size, "shortest_edge", &p->shortest_edge));
        if (letterbox)
            return mote_field_fail(s, "size", "has a shortest_edge, and a letterbox needs height and width");
        p->fit = resize ? MOTE_FIT_SHORTEST_EDGE : MOTE_FIT_NONE;
    } else if (size.object != NULL) {
        MOTE_TRY(read_size(s, "size", &p->width, &p->height, &there));
        p->fit = !resize ? MOTE_FIT_NONE : letterbox ? MOTE_FIT_LETTERBOX : MOTE_FIT_EXACT;
    }
    int64_t resample = p->resample;
    int reference = (int)p->reference;
    static const char *const references[] = {"pillow12", "pillow13", NULL};
    MOTE_TRY(mote_field_integer(s, "resample", 0, 5, &resample));
    MOTE_TRY(mote_field_word(s, "resize_reference", references, &reference));
    p->resample = (mote_resample)resample;
    p->reference = (mote_resize_reference)reference;
    return MOTE_OK;
}

static mote_status read_crop_and_pad(const prep_scope *s, mote_image_prep *p)
{
    bool crop = false, pad = false, there = false;
    int32_t width = 0, height = 0;
    int64_t value = 0;
    MOTE_TRY(mote_field_bool(s, "do_center_crop", &crop));
    const mote_json *size = mote_json_get(s->object, "crop_size");
    if (size != NULL && size->kind == MOTE_JSON_INT) {
        MOTE_TRY(mote_field_side(s, "crop_size", &width));
        height = width;
        there = true;
    } else {
        MOTE_TRY(read_size(s, "crop_size", &width, &height, &there));
    }
    if (crop && !there)
        return mote_field_fail(s, "crop_size", "is missing, and do_center_crop is true");
    if (crop) {
        p->crop_width = width;
        p->crop_height = height;
    }
    MOTE_TRY(mote_field_bool(s, "do_pad", &pad));
    MOTE_TRY(read_size(s, "pad_size", &width, &height, &there));
    MOTE_TRY(mote_field_integer(s, "pad_value", 0, 255, &value));
    p->pad_value = (uint8_t)value;
    if (pad && !there)
        return mote_field_fail(s, "pad_size", "is missing, and do_pad is true");
    if (pad) {
        p->pad_width = width;
        p->pad_height = height;
    }
    if (crop && (pad || p->fit == MOTE_FIT_LETTERBOX))
        return mote_field_fail(s, "do_center_crop", "is true, and so is do_pad or do_letterbox");
    return MOTE_OK;
}

static mote_status read_means(const prep_scope *s, const char *name, size_t channels, double out[3], bool needed)
{
    bool there = false;
    const mote_json *j = mote_json_get(s->object, name);
    double one;
    if (mote_json_number(j, &one)) {
        out[0] = out[1] = out[2] = one;
        there = true;
    } else {
        MOTE_TRY(mote_field_numbers(s, name, channels, out, &there));
    }
    return needed && !there ? mote_field_fail(s, name, "is missing, and do_normalize is true") : MOTE_OK;
}

static mote_status read_values(const prep_scope *s, mote_image_prep *p)
{
    const size_t channels = p->channels == MOTE_CHANNELS_GRAY ? 1 : 3;
    p->rescale_factor = 1.0 / 255;
    MOTE_TRY(mote_field_bool(s, "do_rescale", &p->rescale));
    MOTE_TRY(mote_field_number(s, "rescale_factor", -1e6, 1e6, &p->rescale_factor));
    MOTE_TRY(mote_field_bool(s, "do_normalize", &p->normalize));
    MOTE_TRY(read_means(s, "image_mean", channels, p->mean, p->normalize));
    MOTE_TRY(read_means(s, "image_std", channels, p->std, p->normalize));
    for (size_t c = 0; c < channels; c++) {
        if (!(p->mean[c] >= -1e6 && p->mean[c] <= 1e6))
            return mote_field_fail(s, "image_mean", "[%zu] is %g, expected -1e6 to 1e6", c, p->mean[c]);
        if (!(p->std[c] >= 1e-6 && p->std[c] <= 1e6))
            return mote_field_fail(s, "image_std", "[%zu] is %g, expected 1e-6 to 1e6", c, p->std[c]);
    }
    return MOTE_OK;
}

static mote_status read_image(const prep_scope *s, mote_prep_input *in)
{
    static const char *const names[] = {"kind", "range", "observed", "do_resize", "size", "resample", "resize_reference", "do_letterbox", "do_center_crop", "crop_size",
                                        "do_pad", "pad_size", "pad_value", "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
                                        "do_convert_rgb", "channels", "data_format", "min_size", "max_size", INFORMATIVE, NULL};
    static const char *const channels[] = {"rgb", "bgr", "gray", NULL}, *const formats[] = {"channels_first", "channels_last", NULL};
    MOTE_TRY(mote_field_only(s, names));
    mote_image_prep *p = &in->image;
    int which = 0, layout = 0;
    bool convert = true, there;
    MOTE_TRY(mote_field_word(s, "channels", channels, &which));
    MOTE_TRY(mote_field_word(s, "data_format", formats, &layout));
    MOTE_TRY(mote_field_bool(s, "do_convert_rgb", &convert));
    if (!convert)
        return mote_field_fail(s, "do_convert_rgb", "is false: pictures are always converted to `channels`");
    p->channels = (mote_image_channels)which;
    p->layout = (mote_image_layout)layout;
    MOTE_TRY(read_resize(s, p));
    MOTE_TRY(read_crop_and_pad(s, p));
    MOTE_TRY(read_values(s, p));
    MOTE_TRY(read_size(s, "min_size", &in->min_width, &in->min_height, &there));
    return read_size(s, "max_size", &in->max_width, &in->max_height, &there);
}

/* ---- sound ---- */

enum { MAX_WINDOW = 1 << 22 };

static mote_status read_frames(const prep_scope *parent, mote_prep_input *in)
{
    static const char *const names[] = {"n_fft", "win_length", "hop_length", "window", "power", "n_mels", "frequency_min", "frequency_max", "mel_scale", "mel_norm",
                                        "log", "mel_floor", "mel_floor_added", "n_mfcc", "dct_norm", NULL};
    static const char *const windows[] = {"rectangle", "hann", "hamming", "blackman", "povey", NULL}, *const scales[] = {"htk", "slaney", NULL};
    static const char *const norms[] = {"none", "slaney", NULL}, *const logs[] = {"none", "natural", "log10", "dB", NULL};
    static const char *const dcts[] = {"none", "ortho", NULL};
    prep_scope s;
    MOTE_TRY(mote_field_object(parent, "frames", &s));
    if (s.object == NULL)
        return MOTE_OK;
    MOTE_TRY(mote_field_only(&s, names));
    mote_frames_options *f = &in->frames;
    int window = (int)f->window, scale = 0, norm = 0, kind = (int)f->log_kind, dct = 1;
    int64_t power = 2;
    f->sample_rate = in->sampling_rate;
    MOTE_TRY(mote_field_size(&s, "n_fft", 65536, &f->n_fft));
    f->window_length = f->n_fft;
    MOTE_TRY(mote_field_size(&s, "win_length", (int64_t)f->n_fft, &f->window_length));
    f->hop = f->window_length;
    MOTE_TRY(mote_field_size(&s, "hop_length", MAX_WINDOW, &f->hop));
    MOTE_TRY(mote_field_word(&s, "window", windows, &window));
    MOTE_TRY(mote_field_integer(&s, "power", 1, 2, &power));
    MOTE_TRY(mote_field_size(&s, "n_mels", 4096, &f->n_mels));
    MOTE_TRY(mote_field_float(&s, "frequency_min", 0, 500000, &f->f_min));
    MOTE_TRY(mote_field_float(&s, "frequency_max", 0, (double)in->sampling_rate / 2, &f->f_max));
    MOTE_TRY(mote_field_word(&s, "mel_scale", scales, &scale));
    MOTE_TRY(mote_field_word(&s, "mel_norm", norms, &norm));
    MOTE_TRY(mote_field_word(&s, "log", logs, &kind));
    MOTE_TRY(mote_field_float(&s, "mel_floor", 1e-30, 1e6, &f->floor));
    MOTE_TRY(mote_field_bool(&s, "mel_floor_added", &f->floor_added));
    MOTE_TRY(mote_field_size(&s, "n_mfcc", (int64_t)f->n_mels, &f->n_mfcc));
    MOTE_TRY(mote_field_word(&s, "dct_norm", dcts, &dct));
    f->window = (mote_window)window;
    f->scale = (mote_mel_scale)scale;
    f->slaney_norm = norm == 1;
    f->log_kind = (mote_log_kind)kind;
    f->power = (unsigned)power;
    f->orthonormal = dct == 1;
    in->framed = true;
    return MOTE_OK;
}

static mote_status read_stream(const prep_scope *parent, mote_prep_input *in)
{
    static const char *const names[] = {"window", "hop", "context", "feature", NULL}, *const features[] = {"samples", "magnitude", NULL};
    prep_scope s;
    MOTE_TRY(mote_field_object(parent, "stream", &s));
    if (s.object == NULL)
        return MOTE_OK;
    MOTE_TRY(mote_field_only(&s, names));
    if (!mote_field_there(&s, "window"))
        return mote_field_fail(parent, "stream", "has no window");
    int64_t context = 0;
    int feature = 0;
    MOTE_TRY(mote_field_size(&s, "window", MAX_WINDOW, &in->window));
    in->hop = in->window;
    MOTE_TRY(mote_field_size(&s, "hop", (int64_t)in->window, &in->hop));
    MOTE_TRY(mote_field_integer(&s, "context", 0, MAX_WINDOW, &context));
    MOTE_TRY(mote_field_word(&s, "feature", features, &feature));
    in->context = (size_t)context;
    in->feature = (mote_stream_feature)feature;
    if (feature == MOTE_STREAM_MAGNITUDE && context != 0)
        return mote_field_fail(&s, "context", "is %lld, and a magnitude has none", (long long)context);
    in->streamed = true;
    return MOTE_OK;
}

static mote_status read_audio(const prep_scope *s, mote_prep_input *in)
{
    static const char *const names[] = {"kind", "range", "observed", "sampling_rate", "max_samples", "stream", "frames", INFORMATIVE, NULL};
    MOTE_TRY(mote_field_only(s, names));
    if (!mote_field_there(s, "sampling_rate"))
        return mote_field_fail(s, "sampling_rate", "is missing");
    int64_t rate = 0, samples = 0;
    MOTE_TRY(mote_field_integer(s, "sampling_rate", 1, 1000000, &rate));
    MOTE_TRY(mote_field_integer(s, "max_samples", 1, INT64_C(1) << 40, &samples));
    in->sampling_rate = (uint32_t)rate;
    in->max_samples = (uint64_t)samples;
    MOTE_TRY(read_stream(s, in));
    MOTE_TRY(read_frames(s, in));
    if (in->streamed && in->framed)
        return mote_field_fail(s, "frames", "and stream stand together; one of them is possible");
    return MOTE_OK;
}

/* ---- inputs ---- */

static mote_status read_range(const prep_scope *s, const char *name, bool *there, double *low, double *high)
{
    double range[2] = {0, 1};
    MOTE_TRY(mote_field_numbers(s, name, 2, range, there));
    if (!(range[0] < range[1]))
        return mote_field_fail(s, name, "is [%g, %g], expected a lower and a higher number", range[0], range[1]);
    if (*there) {
        *low = range[0];
        *high = range[1];
    }
    return MOTE_OK;
}

static mote_status read_input(const prep_scope *s, mote_prep_input *in)
{
    static const char *const kinds[] = {"array", "image", "text", "audio", "state", "sampling_rate", NULL};
    static const char *const array_names[] = {"kind", "range", "observed", NULL}, *const text_names[] = {"kind", "part", NULL};
    static const char *const state_names[] = {"kind", "output", NULL}, *const rate_names[] = {"kind", NULL};
    static const char *const parts[] = {"input_ids", "attention_mask", "token_type_ids", NULL};
    int kind = 0, part = 0;
    if (!mote_field_there(s, "kind"))
        return mote_field_fail(s, "kind", "is missing");
    MOTE_TRY(mote_field_word(s, "kind", kinds, &kind));
    in->kind = (mote_prep_kind)kind;
    switch (in->kind) {
    case MOTE_PREP_ARRAY: MOTE_TRY(mote_field_only(s, array_names)); break;
    case MOTE_PREP_IMAGE: MOTE_TRY(read_image(s, in)); break;
    case MOTE_PREP_AUDIO: MOTE_TRY(read_audio(s, in)); break;
    case MOTE_PREP_RATE: MOTE_TRY(mote_field_only(s, rate_names)); break;
    case MOTE_PREP_TEXT:
        MOTE_TRY(mote_field_only(s, text_names));
        if (!mote_field_there(s, "part"))
            return mote_field_fail(s, "part", "is missing");
        MOTE_TRY(mote_field_word(s, "part", parts, &part));
        in->part = (mote_prep_part)part;
        break;
    case MOTE_PREP_STATE:
        MOTE_TRY(mote_field_only(s, state_names));
        MOTE_TRY(mote_field_string(s, "output", &in->state_output));
        if (in->state_output == NULL)
            return mote_field_fail(s, "output", "is missing");
        break;
    }
    MOTE_TRY(read_range(s, "range", &in->has_range, &in->low, &in->high));
    return read_range(s, "observed", &in->has_observed, &in->observed_low, &in->observed_high);
}

static mote_status read_inputs(mote_prep *p, const prep_scope *root)
{
    prep_scope list;
    MOTE_TRY(mote_field_object(root, "inputs", &list));
    if (list.object == NULL || list.object->count == 0)
        return mote_field_fail(root, "inputs", list.object == NULL ? "is missing" : "is empty");
    if (list.object->count > MOTE_PREP_MAX_INPUTS)
        return mote_field_fail(root, "inputs", "has %zu members, at most %d", list.object->count, MOTE_PREP_MAX_INPUTS);
    p->inputs = mote_arena_calloc(&p->arena, list.object->count, sizeof *p->inputs);
    if (p->inputs == NULL)
        return MOTE_NO_MEMORY(root->diag, list.object->count * sizeof *p->inputs);
    for (const mote_json *j = list.object->u.items.first; j != NULL; j = j->next) {
        prep_scope s;
        if (j->key.n == 0 || strlen(j->key.p) != j->key.n)
            return mote_field_fail(root, "inputs", "has a member without a name");
        MOTE_TRY(mote_field_object(&list, j->key.p, &s));
        if (s.object == NULL)
            return mote_field_fail(&list, j->key.p, "is null");
        mote_prep_input *in = &p->inputs[p->n_inputs++];
        *in = (mote_prep_input){.name = j->key.p, .image = MOTE_IMAGE_PREP_INIT, .frames = MOTE_FRAMES_OPTIONS_INIT};
        MOTE_TRY(read_input(&s, in));
        for (size_t i = 0; i + 1 < p->n_inputs; i++)
            if (in->kind == MOTE_PREP_TEXT && p->inputs[i].kind == MOTE_PREP_TEXT && p->inputs[i].part == in->part)
                return mote_field_fail(&s, "part", "is the same as that of inputs.%s", p->inputs[i].name);
    }
    return MOTE_OK;
}

/* ---- tokenizer ---- */

static mote_status read_tokenizer(mote_prep *p, const prep_scope *root)
{
    static const char *const names[] = {"vocab", "vocab_sha256", "do_lower_case", "strip_accents", "model_max_length", "truncation", INFORMATIVE, NULL};
    prep_scope s;
    MOTE_TRY(mote_field_object(root, "tokenizer", &s));
    const bool text = mote_prep_input_find(p, NULL, MOTE_PREP_TEXT) != NULL;
    if (s.object == NULL)
        return text ? mote_field_fail(root, "tokenizer", "is missing, and an input takes text") : MOTE_OK;
    if (!text)
        return mote_field_fail(root, "tokenizer", "is there, and no input takes text");
    MOTE_TRY(mote_field_only(&s, names));
    p->tokenizer = (mote_prep_tokenizer){.lowercase = true, .strip_accents = -1, .truncation = true};
    bool strip = false;
    MOTE_TRY(mote_field_string(&s, "vocab", &p->tokenizer.vocab));
    MOTE_TRY(mote_field_string(&s, "vocab_sha256", &p->tokenizer.vocab_sha256));
    MOTE_TRY(mote_field_bool(&s, "do_lower_case", &p->tokenizer.lowercase));
    MOTE_TRY(mote_field_bool(&s, "strip_accents", &strip));
    if (mote_field_there(&s, "strip_accents"))
        p->tokenizer.strip_accents = strip;
    MOTE_TRY(mote_field_size(&s, "model_max_length", 1 << 24, &p->tokenizer.max_length));
    MOTE_TRY(mote_field_bool(&s, "truncation", &p->tokenizer.truncation));
    const char *sum = p->tokenizer.vocab_sha256;
    if (sum != NULL && (strlen(sum) != 64 || strspn(sum, "0123456789abcdef") != 64))
        return mote_field_fail(&s, "vocab_sha256", "is no SHA-256, expected 64 hexadecimal digits in lower case");
    if (p->tokenizer.max_length != 0 && p->tokenizer.max_length < 3)
        return mote_field_fail(&s, "model_max_length", "is %zu, expected at least 3", p->tokenizer.max_length);
    p->has_tokenizer = true;
    return MOTE_OK;
}

mote_status mote_prep_parse(mote_prep *p, mote_str text, mote_diag *diag)
{
    static const char *const names[] = {"version", "description", "inputs", "tokenizer", "output", "calibration_samples", NULL};
    mote_json *root;
    MOTE_TRY(mote_json_parse(&p->arena, text, &root, diag));
    MOTE_REQUIRE(root->kind == MOTE_JSON_OBJECT, diag, MOTE_E_VALUE, "preprocessing: %s, expected an object", mote_json_kind_name(root->kind));
    const prep_scope s = {root, "", &p->arena, diag};
    int64_t version = 0;
    if (!mote_field_there(&s, "version"))
        return mote_field_fail(&s, "version", "is missing");
    MOTE_TRY(mote_field_integer(&s, "version", 1, INT32_MAX, &version));
    MOTE_REQUIRE(version == MOTE_PREP_VERSION, diag, MOTE_E_UNSUPPORTED, "preprocessing: version is %lld, this build reads version %d", (long long)version,
                 MOTE_PREP_VERSION);
    MOTE_TRY(mote_field_only(&s, names));
    const char *description = NULL;
    MOTE_TRY(mote_field_string(&s, "description", &description));
    MOTE_TRY(mote_field_integer(&s, "calibration_samples", 1, INT64_MAX, &p->samples));
    MOTE_TRY(read_inputs(p, &s));
    MOTE_TRY(read_tokenizer(p, &s));
    return mote_prep_parse_output(p, &s);
}
