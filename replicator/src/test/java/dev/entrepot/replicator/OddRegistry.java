package dev.entrepot.replicator;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.request;
import static com.github.tomakehurst.wiremock.client.WireMock.requestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlMatching;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.MappingBuilder;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.stubbing.Scenario;
import com.github.tomakehurst.wiremock.verification.LoggedRequest;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.net.URI;
import java.util.List;

/**
 * A registry that WireMock is: what each test has it say, word for word, and where a test says nothing what the content
 * in memory makes true. Whoever was odd once can be had to be {@linkplain #beAsOthers() as others} afterwards, with all
 * that it has. One for all tests of a class, since starting one takes a while.
 */
final class OddRegistry implements AutoCloseable {
    private static final int LAST = 10;
    private static final int BEFORE = 5;

    private final String name;
    private final MemoryAnswers answers;
    private final WireMockServer wire;
    private MemoryRegistry content;
    private int orders;

    /** An empty one, which listens. */
    OddRegistry(String name) {
        this.name = name;
        content = new MemoryRegistry(name, Abilities.ALL);
        answers = new MemoryAnswers(content);
        wire = new WireMockServer(
                wireMockConfig().bindAddress("127.0.0.1").dynamicPort().extensions(answers));
        wire.start();
        beAsOthers();
    }

    /** An error as the specification has it. */
    static ResponseDefinitionBuilder error(int status, String code) {
        return aResponse()
                .withStatus(status)
                .withHeader("Content-Type", "application/json")
                .withBody("{\"errors\":[{\"code\":\"" + code + "\",\"message\":\"odd\"}]}");
    }

    URI uri() {
        return URI.create(wire.baseUrl());
    }

    /** Begins anew: empty, as others with these abilities, and never asked for anything. */
    void begin(Abilities abilities) {
        content = new MemoryRegistry(name, abilities);
        answers.of(content);
        wire.resetAll();
        beAsOthers();
    }

    /** What it has. */
    MemoryRegistry content() {
        return content;
    }

    /** Says this to these requests, whose path and query match an expression as a whole. */
    void says(String method, String url, ResponseDefinitionBuilder answer) {
        wire.stubFor(matching(method, url).willReturn(answer));
    }

    /** Says these one after another, and then what is true. */
    void saysFirst(String method, String url, ResponseDefinitionBuilder... first) {
        String scenario = "order " + orders++;
        String state = Scenario.STARTED;
        for (int i = 0; i < first.length; i++) {
            String next = "answered " + (i + 1);
            wire.stubFor(matching(method, url)
                    .inScenario(scenario)
                    .whenScenarioStateIs(state)
                    .willSetStateTo(next)
                    .willReturn(first[i]));
            state = next;
        }
    }

    private static MappingBuilder matching(String method, String url) {
        MappingBuilder mapping = method.equals("ANY") ? any(urlMatching(url)) : request(method, urlMatching(url));
        return mapping.atPriority(BEFORE);
    }

    /** Says from now on what is true. */
    void beAsOthers() {
        wire.resetMappings();
        wire.resetScenarios();
        wire.stubFor(any(anyUrl()).atPriority(LAST).willReturn(aResponse().withTransformers(MemoryAnswers.NAME)));
    }

    /** The requests with this method and an address that matches as a whole. */
    List<LoggedRequest> requests(String method, String url) {
        return wire.findAll(requestedFor(method, urlMatching(url)));
    }

    int uploadsOpen() {
        return answers.uploadsOpen();
    }

    @Override
    public void close() {
        wire.stop();
    }
}
