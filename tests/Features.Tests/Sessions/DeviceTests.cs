using System.Net;
using System.Text.Json;

namespace Backhaul.Features.Tests.Sessions;

/// <summary>What URLSession's configuration has for a device only: it is never passed over in silence.</summary>
public sealed class DeviceTests(FeatureWorld world)
{
    private static readonly string[] Members =
    [
        "allowsUltraConstrainedNetworkAccess", "httpCookieAcceptPolicy", "httpShouldSetCookies", "httpCookieStorage", "requestCachePolicy", "urlCache",
        "urlCredentialStorage", "protocolClasses", "httpShouldUsePipelining", "multipathServiceType", "shouldUseExtendedBackgroundIdleMode",
        "requiresDNSSECValidation", "enablesEarlyData", "usesClassicLoadingMode", "tlsMaximumSupportedProtocolVersion", "connectionProxyDictionary",
    ];

    [Theory, ClassData(typeof(Ways))]
    public async Task Members_that_mean_nothing_on_a_server_are_refused_by_name_and_nothing_is_kept_between_requests(Way way)
    {
        var scene = world.Begin(way);
        foreach (var member in Members)
        {
            var configuration = $$"""{"{{member}}":1}""";
            if (way is Way.EmbeddedSdk or Way.ClusterSdk)
            {
                Assert.Throws<JsonException>(() => Json.Read<SessionConfiguration>(configuration)); // there is no such member to set
                continue;
            }
            var refused = await Scene.RefusedAsync(() => scene.OpenAsync(configuration));
            Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.UnknownField), (refused.Status, refused.Code));
            Assert.Contains(member, refused.Detail + refused.Field, StringComparison.Ordinal);
        }
        await scene.OpenAsync();
        var url = scene.Origin.Bytes("same", 1000, "lm=old");
        foreach (var id in new[] { "first", "again" })
        {
            await scene.DownloadAsync(id, url);
            await scene.SucceededAsync(id);
        }
        Assert.Equal(2, scene.Origin.RequestsOf("same").Count); // no cache answers
        Assert.All(scene.Origin.RequestsOf("same"), request => Assert.DoesNotContain(request.Headers.Keys, name => name is "Cookie" or "If-None-Match" or "If-Modified-Since"));
    }
}
