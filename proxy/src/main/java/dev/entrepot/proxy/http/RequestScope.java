package dev.entrepot.proxy.http;

/**
 * What a request says about the registry it means, apart from its path after {@code /v2/}.
 *
 * @param prefix the path before {@code /v2}, without slashes at its ends; empty if there is none
 * @param namespace the value of {@code ?ns=}; empty if there is none
 */
record RequestScope(String prefix, String namespace) {
    /** Neither prefix nor namespace. */
    static final RequestScope NONE = new RequestScope("", "");

    /** The path of the URL down to and including {@code /v2/}. */
    String urlPath() {
        return prefix.isEmpty() ? "/v2/" : "/" + prefix + "/v2/";
    }
}
