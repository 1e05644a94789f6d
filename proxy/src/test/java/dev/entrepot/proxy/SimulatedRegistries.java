package dev.entrepot.proxy;

import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.AcrService;
import dev.entrepot.oci.testing.AwsService;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.EntraService;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.GoogleService;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The registries that people pull from, each with what is peculiar to it. Long, because each is a short story of its
 * own.
 */
enum SimulatedRegistries {
    /** Counts GETs of manifests; its token service is another host; what is missing is 401. */
    DOCKER_HUB {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry hub = new SimulatedRegistry("docker.io", "library/app", 300_000);
            MiniHttpServer auth = hub.service(hub.tokens);
            hub.tokens
                    .challenging(error -> bearer(auth.uri() + "/token", "registry.docker.io", scope(hub), error))
                    .answering(token ->
                            "{\"token\":\"%s\",\"access_token\":\"%s\",\"expires_in\":300,\"issued_at\":\"%s\"}"
                                    .formatted(token, token, clock.instant()));
            hub.api.open(new Access.By(hub.tokens)).quota(100);
            hub.api
                    .faults()
                    .always(
                            Requests.manifests(),
                            Fault.answer(answer ->
                                    answer.status() == 404 ? hub.tokens.unauthorized("insufficient_scope") : answer));
            hub.storage.behind(hub.api, hub.tokens);
            return hub;
        }
    },

    /** Anonymous; bodies of blobs end in order at multiples of 8 MiB, whatever length was stated. */
    MCR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry mcr = new SimulatedRegistry("mcr.microsoft.com", "dotnet/app", (8 << 20) + 70_000);
            mcr.storage.behind(mcr.api, request -> Optional.empty());
            mcr.storage.content().faults().always(Requests.path("/cdn/"), Fault.truncateAfter(8 << 20));
            return mcr;
        }
    },

    /**
     * The scope of its challenge is of nobody, and asking for it is refused; tokens without an end; no referrers API.
     */
    GHCR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry ghcr = new SimulatedRegistry("ghcr.io", "team/app", 300_000);
            ghcr.tokens
                    .challenging(
                            error -> bearer(ghcr.api.uri() + "/token", "ghcr.io", "repository:user/image:pull", error))
                    .answering("{\"token\":\"%s\"}"::formatted)
                    .to(request -> !request.queryAll("scope").contains("repository:user/image:pull"));
            ghcr.api
                    .beside("/token", ghcr.tokens)
                    .open(new Access.By(ghcr.tokens))
                    .able(Abilities.WITHOUT_REFERRERS);
            ghcr.storage.behind(ghcr.api, ghcr.tokens);
            return ghcr.withFallbackTag(ghcr.api, ghcr.repository);
        }
    },

    /** Answers have a token and nothing else; no digest in header fields; 400 for a subject that it does not know. */
    QUAY {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry quay = new SimulatedRegistry("quay.io", "team/app", 300_000)
                    .credentials("{username: team+robot, password: robot-s3cret}");
            quay.tokens
                    .challenging(error -> bearer(quay.api.uri() + "/v2/auth", "quay.io", scope(quay), error))
                    .answering("{\"token\":\"%s\"}"::formatted)
                    .to(user("team+robot", "robot-s3cret"));
            quay.api
                    .beside("/v2/auth", quay.tokens)
                    .open(new Access.By(quay.tokens))
                    .able(Abilities.DEFAULT.without(Feature.DIGEST_HEADER, Feature.ETAGS));
            quay.api
                    .faults()
                    .always(
                            Requests.referrers(),
                            Fault.answer(answer -> new String(answer.body().bytes(), StandardCharsets.UTF_8)
                                            .contains("\"manifests\":[]")
                                    ? Response.error(400, "MANIFEST_INVALID")
                                    : answer));
            quay.storage.behind(quay.api, quay.tokens);
            return quay.whereHeadIsNotEnough();
        }
    },

    /** Basic; a password that has expired is 403 without a challenge. */
    ECR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry ecr = new SimulatedRegistry(
                            "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "team/app", 300_000)
                    .credentials("{provider: ecr}");
            AwsService aws = aws(ecr, clock);
            Set<String> expired = ConcurrentHashMap.newKeySet();
            Access.Door door = request -> {
                Optional<String> shown = request.header("Authorization");
                if (shown.filter(expired::contains).isPresent()) {
                    return Optional.of(denied(403));
                }
                return shown.equals(Optional.of(Access.basic("AWS", aws.password())))
                        ? Optional.empty()
                        : Optional.of(Response.error(401, "UNAUTHORIZED")
                                .header(
                                        "WWW-Authenticate",
                                        "Basic realm=\"" + ecr.api.uri() + "/\",service=\"ecr.amazonaws.com\""));
            };
            ecr.api.open(new Access.By(door));
            ecr.storage.behind(ecr.api, door);
            return ecr.onExpiry(() -> expired.add(Access.basic("AWS", aws.password())));
        }
    },

    /** A token that has expired is 400 without a challenge; HEAD of a blob is 401 for everybody. */
    ECR_PUBLIC {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry gallery =
                    new SimulatedRegistry("public.ecr.aws", "team/app", 300_000).credentials("{provider: ecr}");
            AwsService aws = aws(gallery, clock);
            gallery.tokens
                    .challenging(error -> bearer(gallery.api.uri() + "/token/", "public.ecr.aws", "aws", error))
                    .answering("{\"token\":\"%s\"}"::formatted)
                    .to(request ->
                            request.header("Authorization").equals(Optional.of(Access.basic("AWS", aws.password()))))
                    .whenExpired(() -> denied(400));
            gallery.api.beside("/token/", gallery.tokens).open(new Access.By(gallery.tokens));
            gallery.api.faults().always(Requests.head().and(Requests.blobs()), Fault.status(401));
            gallery.storage.behind(gallery.api, gallery.tokens);
            return gallery;
        }
    },

    /**
     * A token of Google for a token; blobs at a relative place; types with a charset; a page to log in for referrers.
     */
    GAR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry gar = new SimulatedRegistry("europe-docker.pkg.dev", "project/team/app", 300_000)
                    .credentials("{provider: google}");
            GoogleService google = new GoogleService(clock);
            gar.variables.put(
                    "GCE_METADATA_HOST", "127.0.0.1:" + gar.service(google).port());
            gar.tokens
                    .challenging(
                            error -> bearer(gar.api.uri() + "/v2/token", "europe-docker.pkg.dev", scope(gar), error))
                    .answering("{\"token\":\"%s\",\"expires_in\":3600}"::formatted)
                    .to(request -> {
                        String user = decoded(request);
                        return user.startsWith("oauth2accesstoken:") && google.knows(user.substring(18));
                    });
            gar.api
                    .beside("/v2/token", gar.tokens)
                    .beside(
                            "/ServiceLogin",
                            (request, body) -> Response.of(
                                    200, "text/html; charset=utf-8", Content.of(new byte[] {'<', 'h', '>'})))
                    .open(new Access.By(gar.tokens));
            gar.api.faults().always(Requests.referrers(), behind(gar.tokens, request -> "/ServiceLogin?continue=x"));
            gar.api
                    .faults()
                    .always(
                            Requests.get().and(Requests.blobs()),
                            behind(
                                    gar.tokens,
                                    request -> "/cdn/"
                                            + request.path()
                                                    .substring(request.path().lastIndexOf('/') + 1)));
            gar.api
                    .faults()
                    .always(
                            Requests.manifests(),
                            Fault.answer(answer -> answer.header(
                                    "Content-Type",
                                    answer.headers().first("Content-Type").orElse("") + "; charset=utf-8")));
            return gar.withFallbackTag(gar.api, gar.repository);
        }
    },

    /** A token of Entra for a refresh token for a token, the latter without an end; signed URLs. */
    ACR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry acr =
                    new SimulatedRegistry("one.azurecr.io", "team/app", 300_000).credentials("{provider: azure}");
            EntraService entra = new EntraService();
            acr.variables.put(
                    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                    acr.service(entra).uri().toString());
            acr.tokens.challenging(
                    error -> bearer(acr.api.uri() + "/oauth2/token", "one.azurecr.io", scope(acr), error));
            acr.api
                    .beside(
                            "/oauth2/",
                            new AcrService(
                                    entra,
                                    "one.azurecr.io",
                                    scopes -> acr.tokens.issue(List.of(scopes.split(" "))),
                                    clock))
                    .open(new Access.By(acr.tokens));
            acr.storage.behind(acr.api, acr.tokens);
            return acr;
        }
    },

    /** No service in its challenge; after a token's end a realm at another host, which gives nothing; pages of HTML. */
    NVCR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry nvcr = new SimulatedRegistry("nvcr.io", "nvidia/app", 300_000)
                    .credentials("{username: $oauthtoken, password: key-s3cret}");
            MiniHttpServer authn = nvcr.service((request, body) -> Response.of(401));
            nvcr.tokens
                    .challenging(error -> "realm=\"" + nvcr.api.uri() + "/proxy_auth\",scope=\"" + scope(nvcr) + "\"")
                    .answering("{\"token\":\"%s\",\"expires_in\":600}"::formatted)
                    .to(user("$oauthtoken", "key-s3cret"))
                    .whenExpired(() -> Response.of(
                                    401, "text/html", Content.of("<html>".getBytes(StandardCharsets.UTF_8)))
                            .header(
                                    "WWW-Authenticate",
                                    "Bearer realm=\"" + authn.uri() + "/token\",error=\"invalid_token\""));
            nvcr.api
                    .beside("/proxy_auth", nvcr.tokens)
                    .open(new Access.By(nvcr.tokens))
                    .able(Abilities.WITHOUT_REFERRERS);
            nvcr.storage.behind(nvcr.api, nvcr.tokens);
            return nvcr.withFallbackTag(nvcr.api, nvcr.repository);
        }
    },

    /** Open to all; sends everything but {@code /v2/} to other hosts, with other names; no catalog. */
    REGISTRY_K8S_IO {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry k8s = new SimulatedRegistry("registry.k8s.io", "app", 300_000);
            TestRegistry region = k8s.storage.content();
            String there = "k8s-artifacts-prod/images/app";
            region.push(there, k8s.index, "1");
            region.push(there, k8s.signature);
            k8s.storage.behind(k8s.api, request -> Optional.empty());
            Predicate<Request> rest = Requests.repository("app")
                    .and(Requests.get().and(Requests.blobs()).negate());
            k8s.api
                    .able(Abilities.DEFAULT.without(Feature.CATALOG))
                    .faults()
                    .always(
                            rest,
                            Fault.redirect(request ->
                                    region.uri() + request.target().replace("/v2/app/", "/v2/" + there + "/")));
            return k8s;
        }
    },

    /**
     * A proxy project: short names of Hub are led by 301 to {@code library/}; a robot's password for a token; HEAD
     * knows no blob and no manifest that was not fetched lately.
     */
    HARBOR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry harbor = new SimulatedRegistry("harbor.example.com", "hub/app", 300_000)
                    .credentials("{username: robot$mirror, password: robot-s3cret}");
            String there = "hub/library/app";
            harbor.api.push(there, harbor.index, "1");
            harbor.api.push(there, harbor.signature);
            harbor.tokens
                    .challenging(error ->
                            bearer(harbor.api.uri() + "/service/token", "harbor-registry", scope(harbor), error))
                    .answering(
                            token -> "{\"token\":\"%s\",\"access_token\":\"\",\"expires_in\":1800,\"issued_at\":\"%s\"}"
                                    .formatted(token, clock.instant()))
                    .to(user("robot$mirror", "robot-s3cret"));
            harbor.api.beside("/service/token", harbor.tokens).open(new Access.By(harbor.tokens));
            harbor.api.faults().always(Requests.repository("hub/app"), new Fault() {
                @Override
                public Optional<Response> instead(Request request) {
                    return Optional.of(harbor.tokens
                            .refusal(request)
                            .orElseGet(() -> Response.of(301)
                                    .header(
                                            "Location",
                                            harbor.api.uri()
                                                    + request.target().replace("/v2/hub/app/", "/v2/" + there + "/"))));
                }
            });
            Set<String> fetched = ConcurrentHashMap.newKeySet();
            harbor.api
                    .faults()
                    .always(Requests.repository(there).and(Requests.blobs().or(Requests.manifests())), new Fault() {
                        @Override
                        public Optional<Response> instead(Request request) {
                            Optional<Response> refusal = harbor.tokens.refusal(request);
                            if (refusal.isEmpty() && request.method().equals("GET")) {
                                fetched.add(request.path());
                            }
                            boolean unknown = request.method().equals("HEAD") && !fetched.contains(request.path());
                            return unknown
                                    ? refusal.or(() -> Optional.of(Response.error(404, "NOT_FOUND")))
                                    : Optional.empty();
                        }
                    });
            harbor.storage.behind(harbor.api, harbor.tokens);
            return harbor.onExpiry(fetched::clear);
        }
    },

    /** Basic; HEAD of a manifest's digest as a blob is answered 200, as if it were one. */
    ARTIFACTORY {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry artifactory = new SimulatedRegistry("team.jfrog.io", "docker/app", 300_000)
                    .credentials("{username: mirror, password: mirror-s3cret}");
            Predicate<Request> known = user("mirror", "mirror-s3cret");
            Access.Door door = request -> known.test(request)
                    ? Optional.empty()
                    : Optional.of(Response.error(401, "UNAUTHORIZED")
                            .header("WWW-Authenticate", "Basic realm=\"Artifactory Realm\""));
            artifactory.api.open(new Access.By(door));
            artifactory
                    .index
                    .manifests()
                    .forEach(manifest -> artifactory.api.pushBlob(artifactory.repository, manifest.array()));
            artifactory.storage.behind(artifactory.api, door);
            return artifactory;
        }
    },

    /**
     * Lets everybody in at {@code /v2/}, and into its repositories nobody without a token: a registry with anonymous
     * access to some of it.
     */
    OPEN_DOOR {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry half = new SimulatedRegistry("half-open.test", "team/app", 300_000)
                    .credentials("{username: mirror, password: mirror-s3cret}");
            half.tokens
                    .challenging(error -> bearer(half.api.uri() + "/token", "half-open.test", scope(half), error))
                    .answering("{\"token\":\"%s\"}"::formatted)
                    .to(user("mirror", "mirror-s3cret"));
            Access.Door door =
                    request -> request.path().equals("/v2/") ? Optional.empty() : half.tokens.refusal(request);
            half.api.beside("/token", half.tokens).open(new Access.By(door));
            half.storage.behind(half.api, door);
            return half;
        }
    },

    /** What no one registry has altogether: no HEAD at all, manifests of a wrong type and without a digest. */
    ODD {
        @Override
        SimulatedRegistry open(InstantSource clock) {
            SimulatedRegistry odd = new SimulatedRegistry("odd.test", "team/app", 300_000);
            odd.api.able(Abilities.DEFAULT.without(
                    Feature.HEAD_MANIFESTS, Feature.HEAD_BLOBS, Feature.DIGEST_HEADER, Feature.ETAGS));
            odd.api.faults().always(Requests.manifests(), Fault.header("Content-Type", "text/plain; charset=utf-8"));
            odd.storage.behind(odd.api, request -> Optional.empty());
            return odd.whereHeadIsNotEnough();
        }
    };

    /** Starts it, by a clock. */
    abstract SimulatedRegistry open(InstantSource clock);

    private static AwsService aws(SimulatedRegistry registry, InstantSource clock) {
        AwsService aws = new AwsService(clock);
        String url = registry.service(aws).uri().toString();
        registry.variables.put("AWS_ENDPOINT_URL_ECR", url);
        registry.variables.put("AWS_ENDPOINT_URL_ECR_PUBLIC", url);
        registry.variables.put("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
        return aws;
    }

    private static Response denied(int status) {
        return Response.json(
                status,
                "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"Your authorization token has expired. Reauthenticate and try again.\"}]}");
    }

    private static String scope(SimulatedRegistry registry) {
        return "repository:" + registry.repository + ":pull";
    }

    private static String bearer(String realm, String service, String scope, String error) {
        return "realm=\"" + realm + "\",service=\"" + service + "\",scope=\"" + scope + "\""
                + (error.isEmpty() ? "" : ",error=\"" + error + "\"");
    }

    /** Who shows this name and password. */
    static Predicate<Request> user(String name, String password) {
        return request -> request.header("Authorization").equals(Optional.of(Access.basic(name, password)));
    }

    private static String decoded(Request request) {
        String value = request.header("Authorization").orElse("").replaceFirst("^Basic ", "");
        return new String(Base64.getDecoder().decode(value), StandardCharsets.UTF_8);
    }

    private static Fault behind(Access.Door door, Function<Request, String> location) {
        return new Fault() {
            @Override
            public Optional<Response> instead(Request request) {
                return Optional.of(door.refusal(request)
                        .orElseGet(() -> Response.of(302).header("Location", location.apply(request))));
            }
        };
    }
}
