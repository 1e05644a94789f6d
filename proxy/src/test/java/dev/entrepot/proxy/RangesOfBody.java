package dev.entrepot.proxy;

import com.github.tomakehurst.wiremock.extension.ResponseTransformerV2;
import com.github.tomakehurst.wiremock.http.HttpHeader;
import com.github.tomakehurst.wiremock.http.Response;
import com.github.tomakehurst.wiremock.stubbing.ServeEvent;
import java.util.Arrays;

/** Has WireMock answer a request for a part of a body from some byte on with that part, as object stores do. */
final class RangesOfBody implements ResponseTransformerV2 {
    static final String NAME = "ranges-of-body";

    @Override
    public String getName() {
        return NAME;
    }

    @Override
    public boolean applyGlobally() {
        return false;
    }

    @Override
    public Response transform(Response response, ServeEvent event) {
        byte[] whole = response.getBody();
        String range = event.getRequest().getHeader("Range");
        int from = Integer.parseInt(range.substring("bytes=".length(), range.indexOf('-')));
        String contentRange = "bytes " + from + "-" + (whole.length - 1) + "/" + whole.length;
        return Response.Builder.like(response)
                .status(206)
                .headers(response.getHeaders().plus(new HttpHeader("Content-Range", contentRange)))
                .body(Arrays.copyOfRange(whole, from, whole.length))
                .build();
    }
}
