/* test_prep.c - descriptions of pre- and postprocessing: what is taken, what is refused and how
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/prep.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka needs what is above
#include <cmocka.h>

static mote_status create(const char *json, mote_prep **p, mote_diag *diag)
{
    *diag = (mote_diag)MOTE_DIAG_INIT;
    return mote_prep_create(NULL, json, strlen(json), NULL, p, diag);
}

#define IMAGE(fields) "{\"version\": 1, \"inputs\": {\"x\": {\"kind\": \"image\"" fields "}}}"
#define AUDIO(fields) "{\"version\": 1, \"inputs\": {\"x\": {\"kind\": \"audio\", \"sampling_rate\": 16000" fields "}}}"
#define ARRAY "\"inputs\": {\"x\": {\"kind\": \"array\"}}"
#define TEXT "\"inputs\": {\"x\": {\"kind\": \"text\", \"part\": \"input_ids\"}}"

static void test_everything(void **state)
{
    (void)state;
    mote_prep *p;
    mote_diag diag;
    assert_int_equal(create("{\"version\": 1, \"description\": \"d\", \"inputs\": {\"x\": {\"kind\": \"image\", \"image_processor_type\": \"ViTImageProcessor\", \"do_resize\": true,"
                            "\"size\": {\"shortest_edge\": 256}, \"resample\": 3, \"resize_reference\": \"pillow12\", \"do_center_crop\": true, \"crop_size\": 224,"
                            "\"do_rescale\": true, \"rescale_factor\": 0.5, \"do_normalize\": true, \"image_mean\": [1, 2, 3], \"image_std\": 4, \"channels\": \"bgr\","
                            "\"data_format\": \"channels_last\", \"range\": [-1, 1.5], \"min_size\": {\"height\": 3, \"width\": 4}, \"x-note\": {\"any\": [1]}}},"
                            "\"output\": {\"task\": \"classify\", \"output\": \"y\", \"softmax\": true, \"labels\": [\"a\", \"b\"], \"label_offset\": 1}}",
                            &p, &diag), MOTE_OK);
    const mote_prep_input *in = mote_prep_input_find(p, "x", MOTE_PREP_ARRAY);
    assert_true(in == mote_prep_input_at(p, 0) && mote_prep_input_count(p) == 1 && mote_prep_input_at(p, 1) == NULL);
    assert_true(in->kind == MOTE_PREP_IMAGE && in->has_range && in->low == -1 && in->high == 1.5 && in->min_width == 4 && in->min_height == 3);
    const mote_image_prep *i = &in->image;
    assert_true(i->fit == MOTE_FIT_SHORTEST_EDGE && i->shortest_edge == 256 && i->resample == MOTE_RESAMPLE_BICUBIC && i->reference == MOTE_RESIZE_PILLOW12);
    assert_true(i->crop_width == 224 && i->crop_height == 224 && i->rescale && i->rescale_factor == 0.5 && i->normalize);
    assert_true(i->mean[0] == 1 && i->mean[2] == 3 && i->std[0] == 4 && i->std[2] == 4);
    assert_true(i->channels == MOTE_CHANNELS_BGR && i->layout == MOTE_LAYOUT_NHWC);
    const mote_prep_output *o = mote_prep_output_info(p);
    assert_true(o->task == MOTE_TASK_CLASSIFY && o->softmax && o->n_labels == 2 && o->label_offset == 1);
    assert_string_equal(mote_prep_label(p, 1), "b");
    assert_null(mote_prep_label(p, 2));
    assert_null(mote_prep_label(p, -1));
    assert_null(mote_prep_tokenizer_info(p));
    mote_prep_destroy(&p);
    assert_null(p);
    mote_prep_destroy(&p);
}

/* What a field that is not given means. */
static void test_defaults(void **state)
{
    (void)state;
    mote_prep *p;
    mote_diag diag;
    assert_int_equal(create(IMAGE(", \"size\": {\"height\": 2, \"width\": 3}, \"crop_size\": 7, \"image_mean\": [1, 1, 1], \"do_rescale\": true"), &p, &diag), MOTE_OK);
    const mote_image_prep *i = &mote_prep_input_at(p, 0)->image;
    assert_true(i->fit == MOTE_FIT_NONE && i->crop_width == 0 && !i->normalize && i->rescale && i->rescale_factor == 1.0 / 255);
    assert_int_equal(mote_prep_output_info(p)->task, MOTE_TASK_NONE);
    mote_prep_destroy(&p);
    assert_int_equal(create("{\"version\": 1, " TEXT ", \"tokenizer\": {\"vocab\": \"v.txt\"}}", &p, &diag), MOTE_OK);
    const mote_prep_tokenizer *t = mote_prep_tokenizer_info(p);
    assert_true(t->lowercase && t->strip_accents == -1 && t->truncation && t->max_length == 0 && t->vocab_sha256 == NULL);
    mote_prep_destroy(&p);
    assert_int_equal(create(AUDIO(", \"stream\": {\"window\": 512}"), &p, &diag), MOTE_OK);
    const mote_prep_input *in = mote_prep_input_at(p, 0);
    assert_true(in->streamed && in->window == 512 && in->hop == 512 && in->context == 0 && !in->framed);
    mote_prep_destroy(&p);
}

/* Each with a part of its message. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct { const char *json, *says; } cases[] = {
        {"[]", "an array, expected an object"},
        {"{", "line 1"},
        {"{}", "version is missing"},
        {"{\"version\": 2, " ARRAY "}", "version is 2, this build reads version 1"},
        {"{\"version\": \"1\", " ARRAY "}", "version is \"1\", expected an integer"},
        {"{\"version\": 1}", "inputs is missing"},
        {"{\"version\": 1, \"inputs\": {}}", "inputs is empty"},
        {"{\"version\": 1, \"inputs\": []}", "inputs is an array, expected an object"},
        {"{\"version\": 1, " ARRAY ", \"size\": 3}", "size: there is no such field"},
        {"{\"version\": 1, \"inputs\": {\"x\": {}}}", "inputs.x.kind is missing"},
        {"{\"version\": 1, \"inputs\": {\"x\": {\"kind\": \"picture\"}}}", "inputs.x.kind is \"picture\", expected one of \"array\""},
        {"{\"version\": 1,\n \"inputs\": {\"x\": {\"kind\": \"array\",\n\"size\": 1}}}", "inputs.x.size: there is no such field (line 3)"},
        {IMAGE(", \"do_resize\": true"), "inputs.x.size is missing, and do_resize is true"},
        {IMAGE(", \"do_resize\": 1"), "inputs.x.do_resize is 1, expected true or false"},
        {IMAGE(", \"do_resize\": true, \"size\": 224"), "inputs.x.size is 224, expected an object"},
        {IMAGE(", \"do_resize\": true, \"size\": {\"height\": 224}"), "inputs.x.size has no width"},
        {IMAGE(", \"do_resize\": true, \"size\": {\"height\": 0, \"width\": 3}"), "inputs.x.size.height is 0, expected an integer from 1 to 65535"},
        {IMAGE(", \"do_resize\": true, \"size\": {\"shortest_edge\": 3, \"longest_edge\": 4}"), "inputs.x.size.longest_edge: there is no such field"},
        {IMAGE(", \"do_letterbox\": true"), "inputs.x.do_letterbox is true, and do_resize is not"},
        {IMAGE(", \"resample\": 6"), "inputs.x.resample is 6, expected an integer from 0 to 5"},
        {IMAGE(", \"resample\": 2.5"), "inputs.x.resample is 2.5"},
        {IMAGE(", \"do_center_crop\": true"), "inputs.x.crop_size is missing"},
        {IMAGE(", \"do_center_crop\": true, \"crop_size\": 3, \"do_pad\": true, \"pad_size\": {\"height\": 4, \"width\": 4}"), "inputs.x.do_center_crop is true, and so is do_pad"},
        {IMAGE(", \"do_pad\": true"), "inputs.x.pad_size is missing"},
        {IMAGE(", \"do_normalize\": true, \"image_std\": [1, 1, 1]"), "inputs.x.image_mean is missing"},
        {IMAGE(", \"do_normalize\": true, \"image_mean\": [1, 2], \"image_std\": 1"), "inputs.x.image_mean is an array of 2, expected an array of 3 numbers"},
        {IMAGE(", \"do_normalize\": true, \"image_mean\": [1, 2, \"3\"], \"image_std\": 1"), "inputs.x.image_mean [2] is a string"},
        {IMAGE(", \"do_normalize\": true, \"image_mean\": 0, \"image_std\": [1, 0, 1]"), "inputs.x.image_std [1] is 0"},
        {IMAGE(", \"rescale_factor\": 1e7"), "inputs.x.rescale_factor is 10000000"},
        {IMAGE(", \"do_convert_rgb\": false"), "do_convert_rgb is false"},
        {IMAGE(", \"channels\": \"RGB\""), "inputs.x.channels is \"RGB\", expected one of \"rgb\""},
        {IMAGE(", \"range\": [1, 1]"), "inputs.x.range is [1, 1]"},
        {IMAGE(", \"range\": [1]"), "inputs.x.range is an array of 1"},
        {AUDIO(", \"stream\": {}"), "inputs.x.stream has no window"},
        {AUDIO(", \"stream\": {\"window\": 5, \"hop\": 6}"), "inputs.x.stream.hop is 6, expected an integer from 1 to 5"},
        {AUDIO(", \"stream\": {\"window\": 5, \"feature\": \"magnitude\", \"context\": 1}"), "inputs.x.stream.context is 1, and a magnitude has none"},
        {AUDIO(", \"stream\": {\"window\": 5}, \"frames\": {}"), "inputs.x.frames and stream stand together"},
        {AUDIO(", \"frames\": {\"n_fft\": 512, \"win_length\": 600}"), "inputs.x.frames.win_length is 600"},
        {AUDIO(", \"frames\": {\"n_mels\": 40, \"n_mfcc\": 41}"), "inputs.x.frames.n_mfcc is 41"},
        {"{\"version\": 1, \"inputs\": {\"x\": {\"kind\": \"audio\"}}}", "inputs.x.sampling_rate is missing"},
        {"{\"version\": 1, \"inputs\": {\"x\": {\"kind\": \"state\"}}}", "inputs.x.output is missing"},
        {"{\"version\": 1, " TEXT "}", "tokenizer is missing, and an input takes text"},
        {"{\"version\": 1, " ARRAY ", \"tokenizer\": {}}", "tokenizer is there, and no input takes text"},
        {"{\"version\": 1, " TEXT ", \"tokenizer\": {\"vocab_sha256\": \"ab\"}}", "tokenizer.vocab_sha256 is no SHA-256"},
        {"{\"version\": 1, " TEXT ", \"tokenizer\": {\"model_max_length\": 2}}", "tokenizer.model_max_length is 2, expected at least 3"},
        {"{\"version\": 1, \"inputs\": {\"x\": {\"kind\": \"text\", \"part\": \"input_ids\"}, \"y\": {\"kind\": \"text\", \"part\": \"input_ids\"}}}",
         "inputs.y.part is the same as that of inputs.x"},
        {"{\"version\": 1, " ARRAY ", \"output\": {}}", "output.task is missing"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"classify\"}}", "output.output is missing"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"classify\", \"output\": \"y\", \"boxes\": \"b\"}}", "output.boxes: there is no such field"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"classify\", \"output\": \"y\", \"labels\": [1]}}", "output.labels [0] is an integer"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"classify\", \"output\": \"y\", \"labels\": [\"a\"], \"labels_file\": \"f\"}}", "output.labels and labels_file"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"detect\", \"output\": \"y\"}}", "output.boxes is missing"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"detect\", \"output\": \"y\", \"boxes\": \"b\"}}", "no input is an image"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"speech\", \"output\": \"y\"}}", "no input is audio with a stream"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"sound\", \"output\": \"y\"}}", "no input is audio"},
        {"{\"version\": 1, " ARRAY ", \"output\": {\"task\": \"tag\", \"output\": \"y\", \"labels\": [\"O\"]}}", "no input takes text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mote_prep *p = (mote_prep *)(void *)&p;
        mote_diag diag;
        const mote_status status = create(cases[i].json, &p, &diag);
        if (status == MOTE_OK || p != NULL || strstr(diag.message, cases[i].says) == NULL)
            fail_msg("%s\n  gives %d, \"%s\"\n  expected \"%s\"", cases[i].json, (int)status, diag.message, cases[i].says);
    }
}

/* Every prefix of a description is refused or read, never worse. */
static void test_cut(void **state)
{
    (void)state;
    static const char whole[] = "{\"version\": 1, \"inputs\": {\"x\": {\"kind\": \"text\", \"part\": \"input_ids\"}}, \"tokenizer\": {\"vocab\": \"v\"},"
                                "\"output\": {\"task\": \"tag\", \"output\": \"y\", \"labels\": [\"O\", \"B-X\"]}}";
    mote_prep *p;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        assert_int_equal(mote_prep_create(NULL, whole, n, NULL, &p, NULL), MOTE_E_FORMAT);
        assert_null(p);
    }
    assert_int_equal(mote_prep_create(NULL, whole, sizeof whole - 1, NULL, &p, NULL), MOTE_OK);
    mote_tokenizer *t;
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_prep_tokenizer_create(p, "[UNK]\n[CLS]\n[SEP]\nx\n", 20, &t, &diag), MOTE_OK);
    mote_tokenizer_destroy(&t);
    mote_prep_destroy(&p);
    assert_int_equal(mote_prep_create(NULL, NULL, 0, NULL, &p, &diag), MOTE_E_ARGUMENT);
}

/* A vocabulary that is not the one described. */
static void test_vocab(void **state)
{
    (void)state;
    mote_prep *p;
    mote_tokenizer *t;
    mote_diag diag;
    assert_int_equal(create("{\"version\": 1, " TEXT ", \"tokenizer\": {\"vocab_sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}}", &p, &diag),
                     MOTE_OK);
    assert_int_equal(mote_prep_tokenizer_create(p, "[UNK]\n", 6, &t, &diag), MOTE_E_MISMATCH);
    assert_non_null(strstr(diag.message, "tokenizer.vocab_sha256 is e3b0c442"));
    assert_null(t);
    mote_prep_destroy(&p);
}

/* Allocation n fails, for every n. */
typedef struct counting { size_t left, live; } counting;
static void *counting_alloc(void *ctx, size_t bytes, size_t align)
{
    counting *c = ctx;
    if (c->left == 0)
        return NULL;
    c->left--;
    c->live++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}
static void counting_free(void *ctx, void *p, size_t bytes)
{
    (void)bytes;
    ((counting *)ctx)->live -= p != NULL;
    free(p);
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char json[] = "{\"version\": 1, " TEXT ", \"tokenizer\": {}, \"output\": {\"task\": \"tag\", \"output\": \"y\", \"labels\": [\"O\"]}}";
    for (size_t n = 0;; n++) {
        counting c = {n, 0};
        mote_allocator a = {sizeof a, &c, counting_alloc, counting_free};
        mote_prep_options o = MOTE_PREP_OPTIONS_INIT;
        o.allocator = &a;
        mote_prep *p;
        const mote_status status = mote_prep_create(NULL, json, sizeof json - 1, &o, &p, NULL);
        if (status == MOTE_OK)
            assert_true(n > 0);
        else
            assert_int_equal(status, MOTE_E_MEMORY);
        mote_prep_destroy(&p);
        assert_int_equal(c.live, 0);
        if (status == MOTE_OK)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything), cmocka_unit_test(test_defaults), cmocka_unit_test(test_refusals), cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_vocab), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
