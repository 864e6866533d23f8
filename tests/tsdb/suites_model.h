/* suites_model.h - random stories of whole databases against a naive model: test_model, which tells
 * them for as long as it is told (MODEL_SECONDS). */
X(model)
X(model_threads)
