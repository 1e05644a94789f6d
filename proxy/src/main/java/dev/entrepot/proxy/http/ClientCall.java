package dev.entrepot.proxy.http;

import io.helidon.http.Headers;

/**
 * How something is asked for, beside what is asked for.
 *
 * @param head whether only the headers of the answer are wanted
 * @param passing whether what is not kept is not to be kept because of this
 * @param headers the headers of the request
 */
record ClientCall(boolean head, boolean passing, Headers headers) {}
