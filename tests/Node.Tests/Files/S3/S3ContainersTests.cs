using Backhaul.Node.Files;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Files.S3;

public sealed class S3ContainersTests : IAsyncLifetime
{
    private FakeS3 _store = null!;
    private S3Rig _rig = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await FakeS3.StartAsync();
        _store.PartBytesMin = S3Rig.PartBytes;
        _rig = new S3Rig(_store.Url);
    }

    public async ValueTask DisposeAsync()
    {
        _rig.Dispose();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(999, true)]
    [InlineData(1000, false)]
    [InlineData(1001, true)]
    [InlineData(5555, true)]
    [InlineData(5555, false)]
    [InlineData(6000, false)]
    public async Task A_staged_body_is_read_back_whole(int length, bool isLengthKnown)
    {
        var bytes = S3Rig.Bytes(length);
        var stored = Assert.IsType<StageResult.Stored>(await _rig.StageAsync("a b/ü.bin", bytes, isLengthKnown ? length : null));
        Assert.True(stored.Created);
        Assert.Equal(length, stored.File.Length);
        Assert.Equal(bytes, _store.Content("in/default/a b/ü.bin"));
        Assert.Equal(bytes, await _rig.ReadAsync("a b/ü.bin"));
        Assert.Empty(_store.OpenUploads);
        Assert.False(Assert.IsType<StageResult.Stored>(await _rig.StageAsync("a b/ü.bin", bytes, length)).Created);
    }

    [Fact]
    public async Task A_body_that_is_too_large_or_too_short_leaves_nothing()
    {
        var result = await _rig.Containers.StageAsync(
            TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("a"), new MemoryStream(S3Rig.Bytes(3000)), null, 2500, condition: null, Stop);
        Assert.Equal(413, Assert.IsType<StageResult.Refused>(result).Problem.Status);
        result = await _rig.StageAsync("a", S3Rig.Bytes(2500), 3000);
        Assert.Equal(400, Assert.IsType<StageResult.Refused>(result).Problem.Status);
        Assert.Empty(_store.Keys);
        Assert.Empty(_store.OpenUploads);
    }

    [Fact]
    public async Task A_range_is_asked_of_the_store_and_no_more()
    {
        var bytes = S3Rig.Bytes(5000);
        _store.Put("in/default/a", bytes);
        await using var file = await _rig.Containers.OpenReadAsync(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("a"), Stop);
        file!.Content.Seek(4000, SeekOrigin.Begin);
        var buffer = new byte[1000];
        await file.Content.ReadExactlyAsync(buffer, Stop);
        Assert.Equal(bytes[4000..], buffer);
        Assert.Equal("bytes=4000-", Assert.Single(_store.Calls, call => call.Method == "GET").Range);
    }

    [Fact]
    public async Task A_file_that_is_replaced_while_it_is_read_is_not_mixed_with_the_new_one()
    {
        _store.Put("in/default/a", S3Rig.Bytes(5000));
        await using var file = await _rig.Containers.OpenReadAsync(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("a"), Stop);
        _store.Put("in/default/a", S3Rig.Bytes(5000, seed: 2));
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await file!.Content.ReadExactlyAsync(new byte[100], Stop));
        Assert.Equal(StorageFailure.Failed, refused.Failure);
    }

    [Fact]
    public async Task A_deleted_file_is_gone_and_deleting_it_again_says_so()
    {
        _store.Put("in/default/a", S3Rig.Bytes(10));
        Assert.True(await DeleteAsync());
        Assert.False(await DeleteAsync());
        Assert.Null(await _rig.ReadAsync("a"));

        ValueTask<bool> DeleteAsync() => _rig.Containers.DeleteAsync(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("a"), condition: null, Stop);
    }

    [Fact]
    public async Task A_condition_is_held_by_the_store_and_a_repeated_request_meets_its_own_success()
    {
        Assert.IsType<StageResult.Stored>(await FreeAsync(S3Rig.Bytes(10)));
        Assert.Equal(412, Assert.IsType<StageResult.Refused>(await FreeAsync(S3Rig.Bytes(10))).Problem.Status);
        _store.Put("in/default/late", S3Rig.Bytes(1)); // after it was looked at
        var times = 0;
        _store.OnCall = call => call is { Method: "PUT", Key: "in/default/new" } && ++times == 1 ? new FakeFault(0, HasEffect: true) : null;
        Assert.IsType<StageResult.Stored>(await FreeAsync(S3Rig.Bytes(10), "new"));
        Assert.Equal(2, times);

        async Task<StageResult> FreeAsync(byte[] content, string path = "a") => await _rig.Containers.StageAsync(
            TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse(path), new MemoryStream(content), content.Length, 1000, FileCondition.Free, Stop);
    }

    [Fact]
    public async Task A_moved_file_is_copied_by_the_store_and_its_first_name_is_free()
    {
        var bytes = S3Rig.Bytes(3000);
        _store.Put("in/default/a", bytes);
        var moved = Assert.IsType<StageResult.Stored>(await MoveAsync("a", "b/c"));
        Assert.Equal((3000, true), (moved.File.Length, moved.Created));
        Assert.Equal(bytes, _store.Content("in/default/b/c"));
        Assert.Null(await MoveAsync("a", "b/c"));
        _store.Put("in/default/a", bytes);
        Assert.Equal(412, Assert.IsType<StageResult.Refused>(await MoveAsync("a", "b/c", replaces: false)).Problem.Status);
        Assert.DoesNotContain(_store.Calls, call => call.Method == "GET" && call.Key.Length > 0);
    }

    /// <summary>As if it had come after the move. What comes before the copy is refused.</summary>
    [Theory]
    [InlineData("HEAD")]
    [InlineData("DELETE")]
    public async Task A_source_that_is_replaced_after_the_copy_stays(string before)
    {
        var (bytes, newer) = (S3Rig.Bytes(3000), S3Rig.Bytes(2000, seed: 2));
        _store.Put("in/default/a", bytes);
        _store.OnCall = call =>
        {
            if (call.Key == "in/default/a" && call.Method == before && _store.Content("in/default/b/c") is not null)
                _store.Put("in/default/a", newer);
            return null;
        };
        Assert.IsType<StageResult.Stored>(await MoveAsync("a", "b/c"));
        Assert.Equal(bytes, _store.Content("in/default/b/c"));
        Assert.Equal(newer, _store.Content("in/default/a"));
    }

    [Fact]
    public async Task A_source_that_is_replaced_before_the_copy_is_neither_moved_nor_removed()
    {
        _store.Put("in/default/a", S3Rig.Bytes(3000));
        _store.OnCall = call =>
        {
            if (call is { Method: "PUT", Key: "in/default/b/c" })
                _store.Put("in/default/a", S3Rig.Bytes(2000, seed: 2));
            return null;
        };
        Assert.Equal(412, Assert.IsType<StageResult.Refused>(await MoveAsync("a", "b/c")).Problem.Status);
        Assert.Equal(["in/default/a"], _store.Keys);
    }

    [Fact]
    public async Task A_store_that_knows_no_conditional_removal_is_looked_at_before()
    {
        _store.Put("in/default/a", S3Rig.Bytes(3000));
        var refused = 0;
        _store.OnCall = call => call.Method == "DELETE" && refused++ == 0 ? new FakeFault(501, "NotImplemented") : null;
        Assert.IsType<StageResult.Stored>(await MoveAsync("a", "b/c"));
        Assert.Equal(["in/default/b/c"], _store.Keys);
        Assert.Equal(2, refused);
    }

    [Fact]
    public async Task A_removal_with_a_condition_spares_what_came_in_between()
    {
        _store.Put("in/default/a", S3Rig.Bytes(10));
        await using (var file = await _rig.Containers.OpenReadAsync(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("a"), Stop))
        {
            _store.OnCall = call =>
            {
                if (call.Method == "DELETE")
                    _store.Put("in/default/a", S3Rig.Bytes(20));
                return null;
            };
            await Assert.ThrowsAsync<FileConditionException>(async () => await _rig.Containers.DeleteAsync(
                TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("a"), new FileCondition((etag, _) => etag == file!.ETag, MustBeFree: false), Stop));
        }
        Assert.Equal(20, _store.Content("in/default/a")!.Length);
    }

    [Fact]
    public async Task The_source_of_an_upload_is_one_version_and_a_replaced_one_is_noticed()
    {
        var bytes = S3Rig.Bytes(5000);
        _store.Put("in/default/a", bytes);
        await using var source = await _rig.Parts.OpenSourceAsync(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("a"), Stop);
        var buffer = new byte[3000];
        var count = await source!.ReadAsync(buffer, 2000, Stop);
        Assert.Equal(bytes[2000..(2000 + count)], buffer[..count]);
        Assert.True(await source.IsUnchangedAsync(Stop));
        _store.Put("in/default/a", S3Rig.Bytes(5000, seed: 2));
        Assert.False(await source.IsUnchangedAsync(Stop));
        Assert.Null(await _rig.Parts.OpenSourceAsync(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse("b"), Stop));
    }

    [Fact]
    public async Task A_wrong_key_is_said_with_what_to_do_and_without_the_secret()
    {
        using var rig = new S3Rig(_store.Url, secretKey: "wrong-secret");
        var refused = Assert.IsType<StageResult.Refused>(await rig.StageAsync("a", S3Rig.Bytes(10), 10));
        Assert.Equal(500, refused.Problem.Status);
        Assert.DoesNotContain("wrong-secret", refused.Problem.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_away_is_said_to_be_so()
    {
        using var rig = new S3Rig(new Uri("http://127.0.0.1:1"));
        var refused = Assert.IsType<StageResult.Refused>(await rig.StageAsync("a", S3Rig.Bytes(10), 10));
        Assert.Equal(503, refused.Problem.Status);
    }

    private ValueTask<StageResult?> MoveAsync(string from, string to, bool replaces = true) => _rig.Containers.MoveAsync(
        new FileMove
        {
            Tenant = TenantId.Parse("default"),
            From = ContainerName.Default,
            Path = ContainerPath.Parse(from),
            To = ContainerName.Default,
            ToPath = ContainerPath.Parse(to),
            Replaces = replaces,
        },
        Stop);

    [Fact]
    public async Task The_endpoint_of_a_container_is_no_way_to_other_hosts()
    {
        using var endpoint = Clients().Open(_store.Url);
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://127.0.0.2:" + _store.Url.Port);
        await Assert.ThrowsAsync<Backhaul.Node.Egress.OutboundException>(async () => await endpoint.SendAsync(request, Stop));
        using var clients = Clients();
        using var task = new HttpRequestMessage(HttpMethod.Get, _store.Url);
        await Assert.ThrowsAnyAsync<Exception>(async () => await clients.SendAsync(task, Stop));
        Assert.Empty(_store.Calls);

        static Backhaul.Node.Egress.OutboundClients Clients() => new(
            new Backhaul.Node.Egress.EgressOptions(), new Backhaul.Node.Egress.SystemNameResolver(), TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Backhaul.Node.Egress.OutboundClients>.Instance);
    }
}
