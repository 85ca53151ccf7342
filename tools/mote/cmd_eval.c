/* cmd_eval.c - mote eval: accuracy on labelled data
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "eval.h"
#include "files.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct eval_options {
    engine_options engine;
    const char *data, *prep, *labels, *vocab, *predictions, *against;
    uint64_t limit, max_length;
    double offset, require, threshold;
    bool json, overwrite, trust;
} eval_options;

extern const command command_eval;

static const option_spec table[] = {
    {"data", OPTION_TEXT, offsetof(eval_options, data), "DIR|F.iob2|F.npz|F.wav", "a folder of pictures with labels.csv or boxes.csv, a file of labelled words, or arrays with their labels or outputs"},
    {"against", OPTION_TEXT, offsetof(eval_options, against), "ORIGINAL", "another model, whose boxes, sounds or output arrays are right: no labels are needed, and DATA may be a .wav or a folder of them"},
    {"score-threshold", OPTION_NUMBER, offsetof(eval_options, threshold), "X", "boxes take part from this score on; 0.05, or the preprocessing's when that is lower"},
    {"prep", OPTION_TEXT, offsetof(eval_options, prep), "PREP.json", "preprocessing to use instead of the model's own (docs/preprocess.md)"},
    {"label-offset", OPTION_NUMBER, offsetof(eval_options, offset), "N", "class = index - N, instead of what the preprocessing says"},
    {"labels", OPTION_TEXT, offsetof(eval_options, labels), "FILE", "class names, one a line: labels.csv may then hold names"},
    {"vocab", OPTION_TEXT, offsetof(eval_options, vocab), "FILE", "the vocabulary, when it is not where the preprocessing says"},
    {"max-length", OPTION_COUNT, offsetof(eval_options, max_length), "N", "cut sentences to N tokens, [CLS] and [SEP] included; words behind count as O"},
    {"limit", OPTION_COUNT, offsetof(eval_options, limit), "N", "the first N pictures, sentences or arrays only"},
    {"predictions", OPTION_TEXT, offsetof(eval_options, predictions), "OUT", "write each answer: CSV, or word, label and answer by tabs"},
    {"require", OPTION_NUMBER, offsetof(eval_options, require), "X", "exit with 3 when top-1 (or F1, or mAP), in percent, or the SNR in dB is below X"},
    {"overwrite", OPTION_FLAG, offsetof(eval_options, overwrite), NULL, "replace OUT when it exists"},
    OPTION_TRUST(eval_options),
    ENGINE_OPTIONS(eval_options),
    OPTION_JSON(eval_options),
    OPTION_END};

/* ---- shared ---- */

mote_status eval_run(eval *e, mote_diag *diag)
{
    MOTE_REQUIRE(!tool_interrupted, diag, MOTE_E_CANCELLED, "interrupted");
    const double start = clock_ms();
    mote_status status = mote_session_run(e->f.engine.session, NULL, diag);
    e->run_ms += clock_ms() - start;
    return status;
}

void eval_progress(size_t done, size_t total)
{
    if (!isatty(STDERR_FILENO))
        return;
    const size_t width = 40, full = total != 0 ? done * width / total : width;
    fprintf(stderr, "\r[%-40.*s] %zu/%zu", (int)full, "########################################", done, total);
    if (done >= total)
        fputs("\r\033[K", stderr);
}

/* Classes by the description or, without one, by the first output. */
static mote_status classes(feed *f, mote_class *out, size_t top, size_t *n, mote_diag *diag)
{
    if (f->prep != NULL && mote_prep_output_info(f->prep)->task == MOTE_TASK_CLASSIFY)
        return mote_prep_classify(f->prep, f->engine.session, out, top, n, diag);
    const mote_array a = engine_output(&f->engine, 0);
    MOTE_REQUIRE(a.dtype == MOTE_DTYPE_F32, diag, MOTE_E_DTYPE, "the first output is %s, expected float32, or preprocessing that says where the classes are",
                 mote_dtype_name(a.dtype));
    size_t best[5];
    *n = mote_top_k(a.data, mote_array_count(&a), best, top < 5 ? top : 5);
    for (size_t i = 0; i < *n; i++)
        out[i] = (mote_class){(int64_t)best[i], ((const float *)a.data)[best[i]], NULL};
    return MOTE_OK;
}

/* A label beyond the classes that the output has is of other data. */
static mote_status check_label(const eval *e, int64_t right, int64_t offset, mote_diag *diag)
{
    const mote_array a = engine_output(&e->f.engine, pair_output(&e->f));
    const int64_t n = (int64_t)mote_array_count(&a);
    MOTE_REQUIRE(right < n - offset, diag, MOTE_E_VALUE, "a label says class %lld, the model's are %lld to %lld", (long long)right, (long long)-offset, (long long)(n - offset - 1));
    return MOTE_OK;
}

mote_status eval_count(eval *e, int64_t right, eval_tops *t, mote_class *best, mote_diag *diag)
{
    mote_class top[5], other;
    size_t n;
    MOTE_TRY(classes(&e->f, top, 5, &n, diag));
    MOTE_REQUIRE(n > 0, diag, MOTE_E_SHAPE, "the output has no classes");
    const int64_t own = e->f.prep != NULL ? mote_prep_output_info(e->f.prep)->label_offset : 0, more = e->has_offset ? own - e->offset : 0;
    MOTE_TRY(check_label(e, right, own - more, diag));
    for (size_t i = 0; i < n; i++) {
        top[i].index += more;
        t->first += i == 0 && top[i].index == right;
        t->five += top[i].index == right;
    }
    t->n++;
    *best = top[0];
    if (e->pair == NULL)
        return MOTE_OK;
    MOTE_TRY(pair_run(e->pair, &e->f.engine, diag));
    MOTE_TRY(classes(&e->pair->second, &other, 1, &n, diag));
    other.index += more;
    t->second += other.index == right;
    pair_answer(e->pair, other.index == best->index);
    pair_item(e->pair, best->index == right, other.index == right);
    return MOTE_OK;
}

static double percent(size_t part, size_t whole) { return whole != 0 ? 100.0 * (double)part / (double)whole : 0; }

void eval_report_tops(eval *e, const eval_tops *t, json_t *report)
{
    e->score = percent(t->first, t->n);
    if (e->pair != NULL)
        e->pair->score = percent(t->second, t->n);
    json_object_set_new(report, "n", json_integer((json_int_t)t->n));
    json_object_set_new(report, "correct", json_integer((json_int_t)t->first));
    json_object_set_new(report, "correct_top5", json_integer((json_int_t)t->five));
    json_object_set_new(report, "top1", json_real(e->score));
    json_object_set_new(report, "top5", json_real(percent(t->five, t->n)));
}

/* ---- arrays ---- */

static mote_status array_item(eval *e, const named_arrays *in, const mote_array *labels, size_t i, eval_tops *t, mote_diag *diag)
{
    mote_session *s = e->f.engine.session;
    mote_class best;
    for (size_t k = 0; k < in->n; k++) {
        const mote_array *a = &in->items[k].array;
        mote_tensor *x = mote_session_input(s, mote_model_input_index(e->f.engine.model, in->items[k].name));
        if (a != labels)
            memcpy(mote_tensor_map(x), (const char *)a->data + i * x->bytes, x->bytes);
    }
    for (size_t k = 0; k < in->n && e->f.prep != NULL; k++)
        if (&in->items[k].array != labels)
            MOTE_TRY(mote_prep_check_range(e->f.prep, s, in->items[k].name, diag));
    MOTE_TRY(eval_run(e, diag));
    const int64_t right = mote_array_i64(labels, i);
    MOTE_TRY(eval_count(e, right, t, &best, diag));
    if (e->predictions != NULL)
        fprintf(e->predictions, "%zu,%lld,%lld,%.9g\n", i, (long long)right, (long long)best.index, (double)best.score);
    return MOTE_OK;
}

/* One item of each array goes in at a time: shapes for that. */
static mote_status shape_arrays(eval *e, const named_arrays *in, const mote_array *labels, size_t n, mote_diag *diag)
{
    named_arrays first = {calloc(in->n + 1, sizeof *first.items), 0};
    mote_status status = first.items == NULL ? MOTE_NO_MEMORY(diag, in->n * sizeof *first.items) : MOTE_OK;
    for (size_t k = 0; k < in->n && status == MOTE_OK; k++) {
        mote_array a = in->items[k].array;
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        const size_t input = mote_model_input_index(e->f.engine.model, in->items[k].name);
        if (&in->items[k].array == labels)
            continue;
        if (input == SIZE_MAX)
            status = mote_fail(diag, MOTE_E_ARGUMENT, "the model has no input '%s'", in->items[k].name);
        else if (a.rank < 1 || (size_t)a.dims[0] != n)
            status = mote_fail(diag, MOTE_E_SHAPE, "'%s' has %lld items, there are %zu labels", in->items[k].name, a.rank < 1 ? 0LL : (long long)a.dims[0], n);
        else
            status = mote_model_input_info(e->f.engine.model, input, &info);
        a.bytes = n != 0 ? a.bytes / n : 0;
        if (info.rank == a.rank) { /* the items are a batch already */
            a.dims[0] = 1;
        } else {
            a.rank--;
            memmove(a.dims, a.dims + 1, sizeof a.dims - sizeof a.dims[0]);
        }
        first.items[first.n++] = (named_array){in->items[k].name, a};
    }
    if (status == MOTE_OK)
        status = engine_feed(&e->f.engine, &first, diag);
    free(first.items);
    return status;
}

mote_status eval_arrays(eval *e, json_t *report, mote_diag *diag)
{
    named_arrays in;
    snprintf(e->at, sizeof e->at, "%s", e->data);
    MOTE_TRY(npz_read(e->data, INPUT_LIMIT, &in, diag));
    const mote_array *labels = named_arrays_find(&in, "label");
    if (labels == NULL)
        labels = named_arrays_find(&in, "labels");
    mote_status status = MOTE_OK;
    eval_tops t = {0};
    if (labels == NULL || !mote_dtype_in(labels->dtype, MOTE_DTYPES_INT) || mote_array_count(labels) == 0 || labels->rank < 1 ||
        mote_array_count(labels) != (size_t)labels->dims[0])
        status = mote_fail(diag, MOTE_E_ARGUMENT, "no integer array 'label' with one dimension and something in it");
    if (status == MOTE_OK)
        e->at[0] = 0;
    if (status == MOTE_OK)
        status = shape_arrays(e, &in, labels, (size_t)labels->dims[0], diag);
    if (e->predictions != NULL)
        fputs("item,class,predicted,score\n", e->predictions);
    const size_t n = status != MOTE_OK ? 0 : (size_t)labels->dims[0] < e->limit ? (size_t)labels->dims[0] : e->limit;
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        status = array_item(e, &in, labels, i, &t, diag);
        eval_progress(i + 1, n);
    }
    named_arrays_free(&in);
    eval_report_tops(e, &t, report);
    return status;
}

/* ---- the command ---- */

static double real(const json_t *r, const char *key) { return json_number_value(json_object_get(r, key)); }
static long long count(const json_t *r, const char *key) { return (long long)json_integer_value(json_object_get(r, key)); }

/* A figure that JSON may not be able to say: null is infinite, or nothing at all. */
static void print_figure(const json_t *r, const char *key, const char *name, const char *unit)
{
    const json_t *j = json_object_get(r, key);
    if (json_is_number(j))
        printf(", %s %.4g%s", name, json_number_value(j), unit);
}

static void print_report(const char *data, const json_t *r, const eval *e, const engine *of)
{
    const char *key;
    json_t *part;
    size_t i;
    if (json_object_get(r, "f1") != NULL) {
        printf("%s: %lld sentences, precision %.2f, recall %.2f, F1 %.2f\n", data, count(r, "n"), real(r, "precision"), real(r, "recall"), real(r, "f1"));
        json_object_foreach(json_object_get(r, "types"), key, part)
            printf("  %-8s precision %6.2f  recall %6.2f  F1 %6.2f  of %lld\n", key, real(part, "precision"), real(part, "recall"), real(part, "f1"), count(part, "gold"));
    } else if (json_object_get(r, "map") != NULL) {
        printf("%s: %lld pictures, mAP %.2f (at 0.50: %.2f, at 0.75: %.2f), %lld classes, %lld boxes, %lld found\n", data, count(r, "n"), real(r, "map"), real(r, "map50"), real(r, "map75"),
               count(r, "classes"), count(r, "boxes"), count(r, "found"));
    } else if (json_object_get(r, "outputs") != NULL) {
        printf("%s: %lld items\n", data, count(r, "n"));
        json_array_foreach(json_object_get(r, "outputs"), i, part) {
            const bool broken = json_is_true(json_object_get(part, "broken")), equal = json_is_true(json_object_get(part, "equal"));
            printf("  %s%s", json_string_value(json_object_get(part, "name")), broken ? ": NaN or infinities" : equal ? ": equal" : "");
            print_figure(part, "snr_db", "SNR", " dB");
            print_figure(part, "si_sdr_db", "SI-SDR", " dB");
            print_figure(part, "stft_distance", "STFT distance", "");
            printf("%s\n", count(part, "silent") != 0 ? "; some are silent" : "");
        }
    } else {
        printf("%s: %lld items, top-1 %.2f (%lld), top-5 %.2f (%lld)\n", data, count(r, "n"), real(r, "top1"), count(r, "correct"), real(r, "top5"), count(r, "correct_top5"));
    }
    fprintf(stderr, "load %.1f ms, run %.1f ms in all, peak memory %.1f MB\n", of->load_ms, e->run_ms, peak_rss_mb());
}

bool eval_is_detector(const feed *f) { return f->prep != NULL && mote_prep_output_info(f->prep)->task == MOTE_TASK_DETECT; }

mote_status eval_data(eval *e, json_t *report, mote_diag *diag)
{
    const bool folder = file_is_directory(e->data), arrays = has_suffix(e->data, ".npz");
    if (folder && eval_is_detector(&e->f))
        return eval_boxes(e, report, diag);
    if (has_suffix(e->data, ".wav") || (folder && eval_makes_sound(&e->f)))
        return eval_sounds(e, report, diag);
    bool labels = false;
    if (arrays && !e->against) {
        snprintf(e->at, sizeof e->at, "%s", e->data);
        MOTE_TRY(eval_has_labels(e->data, &labels, diag));
        e->at[0] = 0;
    }
    if (arrays && !labels)
        return eval_signals(e, report, diag);
    MOTE_REQUIRE(!e->against, diag, MOTE_E_ARGUMENT, "--against is for pictures of a detector, sounds of a model that makes sound, and arrays: mote compare does others");
    return folder ? eval_images(e, report, diag) : arrays ? eval_arrays(e, report, diag) : eval_iob(e, report, diag);
}

/* With --against the model stands behind the one that is right: as the pair's second. */
static mote_status open_models(const eval_options *o, const char *model, eval *e, pair *p, mote_diag *diag)
{
    feed_options fo = {.engine = &o->engine, .model = model, .prep = o->prep, .labels = o->labels, .vocab = o->vocab, .max_length = (size_t)o->max_length,
                       .prep_needed = !has_suffix(o->data, ".npz"), .trust = o->trust};
    if (o->against == NULL)
        return feed_open(&e->f, &fo, diag);
    e->pair = p;
    e->against = true;
    MOTE_TRY(feed_open(&p->second, &fo, diag));
    fo.model = o->against;
    snprintf(e->at, sizeof e->at, "%s", o->against);
    MOTE_TRY(feed_open(&e->f, &fo, diag));
    e->at[0] = 0;
    return MOTE_OK;
}

static mote_status evaluate(const eval_options *o, const char *model, eval *e, pair *p, json_t *report, mote_diag *diag)
{
    char *text = NULL;
    size_t n = 0;
    MOTE_TRY(file_output_allowed(o->predictions, o->overwrite, diag));
    MOTE_TRY(open_models(o, model, e, p, diag));
    e->predictions = o->predictions != NULL ? open_memstream(&text, &n) : NULL;
    mote_status status = o->predictions != NULL && e->predictions == NULL ? MOTE_NO_MEMORY(diag, 1) : eval_data(e, report, diag);
    if (e->predictions != NULL && fclose(e->predictions) != 0 && status == MOTE_OK)
        status = MOTE_NO_MEMORY(diag, n);
    if (status == MOTE_OK && o->predictions != NULL)
        status = file_write(o->predictions, text, n, o->overwrite, diag);
    free(text);
    json_object_set_new(report, "load_ms", json_real((e->against ? &p->second.engine : &e->f.engine)->load_ms));
    json_object_set_new(report, "run_ms", json_real(e->run_ms));
    json_object_set_new(report, "peak_rss_mb", json_real(peak_rss_mb()));
    return status;
}

static int run_eval(void *values, int n, char **operand)
{
    eval_options *o = values;
    if (n != 1 || o->data == NULL)
        return tool_usage(&command_eval, "give one model, and --data");
    if (!isnan(o->offset) && (o->offset != rint(o->offset) || fabs(o->offset) > 1e6))
        return tool_usage(&command_eval, "--label-offset is an integer");
    mote_diag diag = MOTE_DIAG_INIT;
    pair p = {.n_out = 0};
    eval e = {.data = o->data, .limit = o->limit != 0 ? (size_t)o->limit : SIZE_MAX, .has_offset = !isnan(o->offset), .offset = isnan(o->offset) ? 0 : (int64_t)o->offset,
              .has_threshold = !isnan(o->threshold), .threshold = o->threshold};
    json_t *report = json_pack("{s:s}", "schema", "mote.eval/1");
    mote_status status = evaluate(o, operand[0], &e, &p, report, &diag);
    int code = EXIT_DONE;
    if (status != MOTE_OK) {
        code = tool_fail(o->json, e.at[0] != 0 ? e.at : operand[0], status, &diag);
    } else if (o->json) {
        code = tool_print_json(json_incref(report));
    } else {
        print_report(o->data, report, &e, e.against ? &p.second.engine : &e.f.engine);
    }
    if (code == EXIT_DONE && !isnan(o->require) && !(e.score >= o->require))
        code = EXIT_DIFFERENT;
    json_decref(report);
    pair_free(&p);
    feed_close(&p.second);
    feed_close(&e.f);
    return code;
}

const command command_eval = {
    "eval", "MODEL --data DIR|F.iob2|F.npz|F.wav [options]", "accuracy on labelled data, or against another model",
    "DIR holds pictures and labels.csv: lines of file,class, the class counted from 0 or by name. F.iob2 holds a word a line, an empty line between sentences; "
    "word and label are columns 2 and 3 after an index, or 1 and the last; entities count as strict IOB2 says. F.npz holds arrays named as the inputs, items along the "
    "first dimension, and an integer array 'label'; without that, arrays named as the outputs, or --against, for the signal to noise ratio, SI-SDR and STFT distance. With a detector, DIR holds "
    "boxes.csv: lines of image,class,x0,y0,x1,y1 in pixels; pictures without a line have no box; mAP is COCO's.",
    table, sizeof(eval_options), run_eval};
