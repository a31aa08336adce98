/* The coefficients of GELU's polynomials. */
#include "cpu/gelu_pieces.h"

#include <math.h>
#include <pthread.h>

enum { TERMS = YO_GELU_F32_DEGREE + 1 };

static float pieces[YO_GELU_DEGREE + 1][YO_GELU_PIECES];
static float f32_pieces[YO_GELU_F32_DEGREE + 1][YO_GELU_PIECES];
static pthread_once_t pieces_made = PTHREAD_ONCE_INIT;

/* P(X < x) */
static double normal(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* The polynomial in u, from 0 to 1 on the piece, that equals the function at Chebyshev's points: by
 * divided differences, then multiplied out. */
static void fit_piece(double coefficient[TERMS], int piece, int degree)
{
    double at[TERMS], value[TERMS];
    for (int i = 0; i <= degree; i++) {
        at[i] = 0.5 - 0.5 * cos(M_PI * (i + 0.5) / (degree + 1));
        value[i] = normal(YO_GELU_END * (2 * (piece + at[i]) / YO_GELU_PIECES - 1));
    }
    for (int step = 1; step <= degree; step++)
        for (int i = degree; i >= step; i--)
            value[i] = (value[i] - value[i - 1]) / (at[i] - at[i - step]);
    for (int i = 0; i < TERMS; i++)
        coefficient[i] = 0;
    for (int i = degree; i >= 0; i--) {
        for (int j = degree; j > 0; j--)
            coefficient[j] = coefficient[j - 1] - at[i] * coefficient[j];
        coefficient[0] = value[i] - at[i] * coefficient[0];
    }
}

static void make_pieces(void)
{
    for (int piece = 0; piece < YO_GELU_PIECES; piece++) {
        double coefficient[TERMS];
        fit_piece(coefficient, piece, YO_GELU_DEGREE);
        for (int i = 0; i <= YO_GELU_DEGREE; i++)
            pieces[i][piece] = (float)coefficient[i];
        fit_piece(coefficient, piece, YO_GELU_F32_DEGREE);
        for (int i = 0; i <= YO_GELU_F32_DEGREE; i++)
            f32_pieces[i][piece] = (float)coefficient[i];
    }
    pieces[0][0] = f32_pieces[0][0] = 0; /* whatever is below the first piece gives 0 */
}

const float *yo_gelu_pieces(int degree)
{
    pthread_once(&pieces_made, make_pieces);
    return degree == YO_GELU_DEGREE ? pieces[0] : f32_pieces[0];
}
