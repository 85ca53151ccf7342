/* recurrent_tmpl.h - one direction of LSTM, GRU and RNN in the type T; define T, TNAME(name), TFMA before including
 * SPDX-License-Identifier: Apache-2.0 */

/* acc + sum_k a[k] b[k] */
static T TNAME(dot)(const T *a, const T *b, size_t n, T acc)
{
    for (size_t k = 0; k < n; k++)
        acc = TFMA(a[k], b[k], acc);
    return acc;
}

static T TNAME(clipped)(const recurrent *r, T x) { return !r->has_clip ? x : x < -(T)r->clip ? -(T)r->clip : x > (T)r->clip ? (T)r->clip : x; }

/* Both biases of gate row g, added first. */
static T TNAME(bias)(const recurrent *r, const T *b, size_t g) { return b == NULL ? 0 : b[g] + b[r->gates * r->hidden + g]; }

static void TNAME(lstm_step)(const recurrent *r, const activation *f, const T *w, const T *u, const T *b, const T *p, const T *x, T *h, T *c, T *temp)
{
    size_t n = r->hidden;
    T *next = temp;
    for (size_t j = 0; j < n; j++) {
        T gate[4]; /* i o f c */
        for (size_t g = 0; g < 4; g++)
            gate[g] = TNAME(dot)(h, u + (g * n + j) * n, n, TNAME(dot)(x, w + (g * n + j) * r->input, r->input, TNAME(bias)(r, b, g * n + j)));
        if (p != NULL) {
            gate[0] = TFMA(p[j], c[j], gate[0]);
            gate[2] = TFMA(p[2 * n + j], c[j], gate[2]);
        }
        T i = TNAME(act)(&f[0], TNAME(clipped)(r, gate[0]));
        T forget = r->input_forget ? 1 - i : TNAME(act)(&f[0], TNAME(clipped)(r, gate[2]));
        T candidate = TNAME(act)(&f[1], TNAME(clipped)(r, gate[3]));
        c[j] = TFMA(forget, c[j], i * candidate);
        if (p != NULL)
            gate[1] = TFMA(p[n + j], c[j], gate[1]);
        next[j] = TNAME(act)(&f[0], TNAME(clipped)(r, gate[1])) * TNAME(act)(&f[2], c[j]);
    }
    memcpy(h, next, n * sizeof *h);
}

static void TNAME(gru_step)(const recurrent *r, const activation *f, const T *w, const T *u, const T *b, const T *x, T *h, T *temp)
{
    size_t n = r->hidden;
    T *z = temp, *reset = temp + n, *hidden = temp + 2 * n;
    for (size_t j = 0; j < 2 * n; j++) {
        T v = TNAME(dot)(h, u + j * n, n, TNAME(dot)(x, w + j * r->input, r->input, TNAME(bias)(r, b, j)));
        temp[j] = TNAME(act)(&f[0], TNAME(clipped)(r, v));
    }
    if (!r->linear_before_reset)
        for (size_t j = 0; j < n; j++)
            reset[j] = reset[j] * h[j];
    for (size_t j = 0; j < n; j++) {
        const T *row = u + (2 * n + j) * n;
        T v;
        if (r->linear_before_reset) {
            T recurrence = TNAME(dot)(h, row, n, b != NULL ? b[5 * n + j] : 0);
            v = TFMA(reset[j], recurrence, TNAME(dot)(x, w + (2 * n + j) * r->input, r->input, b != NULL ? b[2 * n + j] : 0));
        } else {
            v = TNAME(dot)(reset, row, n, TNAME(dot)(x, w + (2 * n + j) * r->input, r->input, TNAME(bias)(r, b, 2 * n + j)));
        }
        hidden[j] = TNAME(act)(&f[1], TNAME(clipped)(r, v));
    }
    for (size_t j = 0; j < n; j++)
        h[j] = TFMA(z[j], h[j], (1 - z[j]) * hidden[j]);
}

static void TNAME(rnn_step)(const recurrent *r, const activation *f, const T *w, const T *u, const T *b, const T *x, T *h, T *temp)
{
    size_t n = r->hidden;
    for (size_t j = 0; j < n; j++) {
        T v = TNAME(dot)(h, u + j * n, n, TNAME(dot)(x, w + j * r->input, r->input, TNAME(bias)(r, b, j)));
        temp[j] = TNAME(act)(&f[0], TNAME(clipped)(r, v));
    }
    memcpy(h, temp, n * sizeof *h);
}

/* temp: 3 * hidden. y NULL: not wanted. h, c: the states, [direction][batch] as the layout has them, begin with the initial values. */
static void TNAME(run)(const recurrent *r, const void *x_, const void *w_, const void *u_, const void *b_, const void *p_, void *y_, void *h_,
                       void *c_, void *temp)
{
    size_t n = r->hidden, g = r->gates;
    for (size_t d = 0; d < r->directions; d++) {
        const T *w = (const T *)w_ + d * g * n * r->input, *u = (const T *)u_ + d * g * n * n;
        const T *b = b_ == NULL ? NULL : (const T *)b_ + d * 2 * g * n, *p = p_ == NULL ? NULL : (const T *)p_ + d * 3 * n;
        const activation *f = r->f + d * 3;
        bool back = r->reverse || d == 1;
        for (size_t i = 0; i < r->batch; i++) {
            size_t state = (r->batch_first ? i * r->directions + d : d * r->batch + i) * n, length = r->lengths != NULL ? (size_t)r->lengths[i] : r->steps;
            T *h = (T *)h_ + state, *c = (T *)c_ + state;
            for (size_t s = 0; s < length; s++) {
                size_t t = back ? length - 1 - s : s;
                const T *x = (const T *)x_ + (r->batch_first ? i * r->steps + t : t * r->batch + i) * r->input;
                if (g == 4)
                    TNAME(lstm_step)(r, f, w, u, b, p, x, h, c, temp);
                else if (g == 3)
                    TNAME(gru_step)(r, f, w, u, b, x, h, temp);
                else
                    TNAME(rnn_step)(r, f, w, u, b, x, h, temp);
                size_t row = r->batch_first ? (i * r->steps + t) * r->directions + d : (t * r->directions + d) * r->batch + i;
                if (y_ != NULL)
                    memcpy((T *)y_ + row * n, h, n * sizeof *h);
            }
        }
    }
}
