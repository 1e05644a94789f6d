package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.client.ServiceRequest;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Fields of a form, in their order, as they go over the wire. */
final class Form {
    static final String TYPE = "application/x-www-form-urlencoded";

    private final List<String> fields = new ArrayList<>();

    /** Adds a field. */
    Form with(String name, String value) {
        fields.add(URLEncoder.encode(name, StandardCharsets.UTF_8) + "="
                + URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20"));
        return this;
    }

    /** Adds a field that may be absent. */
    Form with(String name, Optional<String> value) {
        value.ifPresent(text -> with(name, text));
        return this;
    }

    /** The request with this form as its body. */
    ServiceRequest on(ServiceRequest request) {
        return request.withBody(TYPE, encoded()).with("Accept", "application/json");
    }

    /** As a query or a body. */
    String encoded() {
        return String.join("&", fields);
    }
}
