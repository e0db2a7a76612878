using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Backhaul.Node.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

public sealed class WholeNodeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("backhaul-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_node_takes_a_session_drains_and_the_next_one_on_its_data_knows_it()
    {
        var stop = TestContext.Current.CancellationToken;
        await using (var node = await StartAsync())
        {
            using var client = new HttpClient { BaseAddress = new Uri(node.Urls.Single()) };
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/ready", stop)).StatusCode);
            Assert.Equal(HttpStatusCode.Created, (await client.PutAsync("/v1/sessions/kept", null, stop)).StatusCode);
            using var task = JsonContent.Create(new { kind = "download", url = "https://example.org/", start = false });
            Assert.Equal(HttpStatusCode.Created, (await client.PostAsync("/v1/sessions/kept/tasks", task, stop)).StatusCode);
            await node.StopAsync(stop);
        }
        await using (var next = await StartAsync())
        {
            using var client = new HttpClient { BaseAddress = new Uri(next.Urls.Single()) };
            using var answer = await client.PutAsync("/v1/sessions/kept", null, stop);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var view = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(stop), cancellationToken: stop);
            Assert.Equal(1, view.RootElement.GetProperty("counts").GetProperty("suspended").GetInt32());
            await next.StopAsync(stop);
        }
    }

    [Fact]
    public async Task While_the_node_drains_its_edge_still_answers_not_ready()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var node = await StartAsync(services => services.AddHostedService<SlowLastStep>());
        using var client = new HttpClient { BaseAddress = new Uri(node.Urls.Single()) };
        var slow = node.Services.GetServices<IHostedService>().OfType<SlowLastStep>().Single();
        var stopping = node.StopAsync(stop);
        await slow.Reached.Task.WaitAsync(TimeSpan.FromSeconds(30), stop);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health/ready", stop)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live", stop)).StatusCode);
        var late = await client.PutAsync("/v1/sessions/late", null, stop);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        Assert.NotNull(late.Headers.RetryAfter);
        slow.GoOn.SetResult();
        await stopping;
    }

    [Fact]
    public async Task A_second_node_on_the_same_data_is_refused_with_a_sentence()
    {
        await using var node = await StartAsync();
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync());
        var known = StartFailures.Explain(refused);
        Assert.NotNull(known);
        Assert.Equal(74, known.ExitCode);
        Assert.Contains(_directory, known.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_a_sentence_and_exit_code_69()
    {
        await using var node = await StartAsync();
        var other = Directory.CreateTempSubdirectory("backhaul-").FullName;
        try
        {
            var refused = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(url: node.Urls.Single(), directory: other));
            var known = StartFailures.Explain(refused);
            Assert.Equal(69, known?.ExitCode);
            Assert.Contains("--urls", known!.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    private async Task<WebApplication> StartAsync(Action<IServiceCollection>? also = null, string url = "http://127.0.0.1:0", string? directory = null)
    {
        var builder = NodeBuilder.Create([$"--urls={url}", $"--Backhaul:DataDirectory={directory ?? _directory}", "--Backhaul:Ops:Url=http://127.0.0.1:0"]);
        also?.Invoke(builder.Services); // first: stops last
        builder.AddNode();
        var node = builder.Build();
        try
        {
            node.UseNode();
            await node.StartAsync(TestContext.Current.CancellationToken);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops after the drain and before the web server, and takes as long as the test wants.</summary>
    private sealed class SlowLastStep : IHostedLifecycleService
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task StoppingAsync(CancellationToken cancellationToken)
        {
            Reached.SetResult();
            return GoOn.Task;
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
