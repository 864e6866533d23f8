/* binary_log.c - fdlibm's approximations. */
#include "base/binary_log.h"

#include <math.h>

/* ln(2) in two parts: k * LN2_HIGH is exact for every exponent k. */
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW  1.90821492927058770002e-10

/* ln(1 + f) is 2s + s * r(s^2) with s = f / (2 + f): the coefficients of r. */
static const double log_terms[] = {
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01,
};

/* Of 0.5 to 1. */
static double
natural_log(double v)
{
    double k = 0;
    if (v <= M_SQRT1_2) {
        k = -1;
        v *= 2;
    }
    const double *t = log_terms;
    double f = v - 1, s = f / (2 + f), s2 = s * s, s4 = s2 * s2;
    double odd = s2 * (t[0] + s4 * (t[2] + s4 * (t[4] + s4 * t[6])));
    double even = s4 * (t[1] + s4 * (t[3] + s4 * t[5]));
    double half_square = 0.5 * f * f;
    double low = s * (half_square + (odd + even)) + k * LN2_LOW;
    return k * LN2_HIGH - ((half_square - low) - f);
}

double
binary_log(double v)
{
    if (!(v > 0) || isinf(v))
        return v == 0 ? -INFINITY : v > 0 ? v : NAN;
    int exponent;
    double fraction = frexp(v, &exponent);
    if (fraction == 0.5)
        return exponent - 1;
    return natural_log(fraction) * M_LOG2E + exponent;
}

/* e^r is 1 + r + r * c(r^2) / (2 - c(r^2)): the coefficients of r - c. */
static const double power_terms[] = {
    1.66666666666666657415e-01,  -2.77777777770155933842e-03, 6.61375632143793436117e-05,
    -1.65339022054652515390e-06, 4.13813679705723846039e-08,
};

double
binary_power(double v)
{
    if (isnan(v))
        return v;
    if (v > 1.0239999999999999e+03)
        return INFINITY;
    if (v < -1.0740e+03)
        return 0;
    int k = (int)(v > 0 ? v + 0.5 : v - 0.5);
    const double *p = power_terms;
    double rest = v - k, high = rest * LN2_HIGH, low = -rest * LN2_LOW;
    double r = high - low, t = r * r;
    double c = r - t * (p[0] + t * (p[1] + t * (p[2] + t * (p[3] + t * p[4]))));
    return ldexp(1 - ((low - (r * c) / (2 - c)) - high), k);
}
