using System.Net;
using System.Text;
using Backhaul.Client.AspNetCore;
using Backhaul.Client.Tests.Delegates;
using Backhaul.Client.Tests.Launches;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Client.Tests.AspNetCore;

/// <summary>A service with registered sessions, on real Kestrel, against a scripted node.</summary>
public sealed class HostedTests
{
    private const string Ended = """{"outcome":"succeeded","bytesReceived":5,"bytesSent":0}""";

    [Fact]
    public async Task A_launch_attaches_drains_and_completes()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b").Add("eventsDrained");
        await using var service = await Service.StartAsync(script, SessionPresence.OnLaunch);
        Assert.Equal(HttpStatusCode.Accepted, await service.PostAsync(Signed.Launch("photos", 3)));
        await Until.TrueAsync(() => service.Completed.Count == 1, Stop);
        Assert.Equal(["/v1/sessions/photos/launches/3/complete"], service.Completed);
        Assert.Equal(["completed a succeeded 5", "completed b succeeded 5", "drained 3"], service.Delegate.Calls);
        Assert.Equal(3, script.Acknowledged);
        var calls = script.Node.Seen.Select(seen => $"{seen.Method} {seen.Path.Split('?')[0].Split('/')[^1]}").ToList();
        Assert.True(calls.LastIndexOf("POST ack") < calls.IndexOf("POST complete"), string.Join(", ", calls));
    }

    [Fact]
    public async Task Nothing_happens_without_a_valid_signature()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a");
        await using var service = await Service.StartAsync(script, SessionPresence.OnLaunch);
        await Until.TrueAsync(() => script.Node.Seen.Count == 1, Stop);   // the PUT of the start
        Assert.Equal(HttpStatusCode.Unauthorized, await service.PostAsync(Signed.Launch("photos", 3), secret: Signed.OtherSecret));
        Assert.Equal(HttpStatusCode.Unauthorized, await service.PostAsync(Signed.Launch("photos", 3), ageSeconds: 301));
        Assert.Equal(HttpStatusCode.BadRequest, await service.PostAsync(Signed.Launch("photos", 3), secret: null));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await service.PostAsync(new string('x', 70_000)));
        Assert.Equal(HttpStatusCode.NotFound, await service.PostAsync(Signed.Launch("strange", 3)));
        Assert.Equal(HttpStatusCode.NoContent, await service.PostAsync("""{"type":"backhaul.test"}"""));
        Assert.Single(script.Node.Seen);
        Assert.Empty(service.Delegate.Calls);
    }

    [Fact]
    public async Task A_launch_sent_twice_is_handled_without_harm()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a");
        await using var service = await Service.StartAsync(script, SessionPresence.OnLaunch);
        for (var time = 0; time < 3; time++)
            Assert.Equal(HttpStatusCode.Accepted, await service.PostAsync(Signed.Launch("photos", 3)));
        await Until.TrueAsync(() => service.Completed.Count >= 1, Stop);
        Assert.Single(service.Delegate.Calls, call => call.StartsWith("completed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_attached_session_is_served_from_start_to_stop()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a");
        var service = await Service.StartAsync(script, SessionPresence.Attached);
        await using (service)
        {
            await Until.TrueAsync(() => script.Acknowledged == 1, Stop);
            Assert.Equal(HttpStatusCode.Accepted, await service.PostAsync(Signed.Launch("photos", 3)));
        }
        Assert.Equal(["completed a succeeded 5"], service.Delegate.Calls);
        Assert.Empty(service.Completed);
    }

    [Fact]
    public async Task A_session_that_cannot_be_attached_does_not_stop_the_service_and_is_tried_again()
    {
        var refusals = 2;
        var script = new ScriptedSession { Instead = seen => seen.Method == "PUT" && Interlocked.Decrement(ref refusals) >= 0 ? Answer.Problem(401, ProblemCodes.Unauthenticated) : null }
            .Add("taskCompleted", Ended, "a");
        await using var service = await Service.StartAsync(script, SessionPresence.Attached, new AtOnce());
        await Until.TrueAsync(() => script.Acknowledged == 1, Stop);
    }

    [Fact]
    public void A_session_has_one_registration()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        var builder = services.AddBackhaul().AddSession<RecordingDelegate>("photos").AddSession<RecordingDelegate>("photos");
        Assert.Throws<ArgumentException>(() => builder.AddSession<RecordingDelegate>("a/b"));
        using var provider = services.BuildServiceProvider();
        Assert.Throws<InvalidOperationException>(() => provider.GetServices<Microsoft.Extensions.Hosting.IHostedService>().ToList());
    }

    [Fact]
    public async Task The_client_is_configured_by_a_section()
    {
        var script = new ScriptedSession();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Backhaul:Endpoints:0"] = "http://node-x:5080",
            ["Backhaul:Endpoints:1"] = "http://node-y:5080",
            ["Backhaul:Key"] = "key-1",
        }).Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddBackhaul(configuration.GetSection("Backhaul"), script.Node.Options);
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<BackhaulClient>().Session("photos").GetAsync(Stop);
        var seen = Assert.Single(script.Node.Seen);
        Assert.Equal(("node-x", "Bearer key-1"), (seen.Uri.Host, seen.Header("Authorization")));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Pauses pass at once.</summary>
    private sealed class AtOnce : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == TimeSpan.FromSeconds(5) || dueTime == TimeSpan.FromSeconds(10) ? TimeSpan.Zero : dueTime, period);
    }

    private sealed class Service : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly ScriptedSession _script;
        private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

        private Service(WebApplication app, ScriptedSession script) => (_app, _script) = (app, script);

        public required RecordingDelegate Delegate { get; init; }

        public IReadOnlyList<string> Completed => [.. _script.Node.Seen.Where(seen => seen.Path.EndsWith("/complete", StringComparison.Ordinal)).Select(seen => seen.Path)];

        public static async Task<Service> StartAsync(ScriptedSession script, SessionPresence presence, TimeProvider? time = null)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            if (time is not null)
                builder.Services.AddSingleton(time);
            builder.Services.AddSingleton<RecordingDelegate>();
            builder.Services.AddBackhaul(script.Node.Options).AddSession<RecordingDelegate>("photos", presence: presence);
            var app = builder.Build();
            app.MapBackhaulLaunches("/launches", Signed.Secret);
            await app.StartAsync();
            return new Service(app, script) { Delegate = app.Services.GetRequiredService<RecordingDelegate>() };
        }

        public async Task<HttpStatusCode> PostAsync(string body, string? secret = Signed.Secret, int ageSeconds = 0)
        {
            var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address + "/launches"));
            var at = (DateTimeOffset.UtcNow.ToUnixTimeSeconds() - ageSeconds).ToString();
            request.Headers.Add("webhook-id", "msg_1");
            request.Headers.Add("webhook-timestamp", at);
            if (secret is not null)
                request.Headers.Add("webhook-signature", Signed.By(secret, "msg_1", at, body));
            request.Content = new StringContent(body, Encoding.UTF8, "application/cloudevents+json");
            using var response = await _http.SendAsync(request, Stop);
            return response.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
            _http.Dispose();
        }
    }
}
