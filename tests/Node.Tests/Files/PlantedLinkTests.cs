using Backhaul.Node.Files;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Files;

/// <summary>Whoever can write below a container must not be able to lead the node out of it. Both ways of opening folders are tried.</summary>
public sealed class PlantedLinkTests : IDisposable
{
    private readonly TempFolder _outside = new();

    [Theory]
    [InlineData("default", true)]
    [InlineData("default/a", true)]
    [InlineData("default/a/b", true)]
    [InlineData("default/a/b/c.txt", true)]
    [InlineData("default", false)]
    [InlineData("default/a", false)]
    [InlineData("default/a/b", false)]
    [InlineData("default/a/b/c.txt", false)]
    public async Task A_link_on_the_way_is_refused_for_every_verb(string position, bool useOpenAt2)
    {
        using var rig = new FilesRig(useOpenAt2);
        var remainder = "default/a/b/c.txt"[position.Length..].TrimStart('/');
        Directory.CreateDirectory(_outside.At("x/a/b"));
        var secret = remainder.Length == 0 ? _outside.At("secret") : Path.Combine(_outside.At("x"), remainder);
        Directory.CreateDirectory(Path.GetDirectoryName(secret)!);
        await File.WriteAllTextAsync(secret, "secret", TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Path.GetDirectoryName(rig.Root.At(position))!);
        File.CreateSymbolicLink(rig.Root.At(position), remainder.Length == 0 ? secret : _outside.At("x"));

        var staged = Assert.IsType<StageResult.Refused>(await rig.StageAsync("a/b/c.txt", "mine"));
        Assert.Equal((409, ProblemCodes.InvalidPath), (staged.Problem.Status, staged.Problem.Code));
        Assert.Contains("link", staged.Problem.Detail, StringComparison.Ordinal);
        Assert.Equal(StorageFailure.Blocked, (await Assert.ThrowsAsync<StorageException>(() => rig.ReadAsync("a/b/c.txt"))).Failure);
        var whole = await Assert.ThrowsAsync<StorageException>(async () => await rig.Parts.PublishWholeAsync(
            FilesRig.Files(destination: "a/b/c.txt"), FilesRig.Owner(), "mine"u8.ToArray(), null, true, TestContext.Current.CancellationToken));
        Assert.Equal(StorageFailure.Blocked, whole.Failure);
        await DeleteRefusedAsync(rig, remainder.Length == 0);
        Assert.Equal("secret", await File.ReadAllTextAsync(secret, TestContext.Current.CancellationToken));
        Assert.Empty(rig.HiddenFiles());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_link_as_a_tasks_part_folder_is_refused(bool useOpenAt2)
    {
        using var rig = new FilesRig(useOpenAt2);
        File.CreateSymbolicLink(rig.Root.At($".backhaul/parts/{HiddenNames.Stem(FilesRig.Session, 1, TaskId.Parse("t1"))}"), _outside.Path);

        var refused = await Assert.ThrowsAsync<StorageException>(async () =>
            await rig.Parts.CreateAsync(FilesRig.Files(), FilesRig.Owner(), 10, null, TestContext.Current.CancellationToken));

        Assert.Equal(StorageFailure.Blocked, refused.Failure);
        Assert.Empty(Directory.GetFileSystemEntries(_outside.Path));
    }

    [Fact]
    public async Task A_pipe_is_no_file_and_does_not_hang_the_reader()
    {
        using var rig = new FilesRig();
        await rig.StageAsync("a", "1");
        File.Delete(rig.Root.At("default/a"));
        using (var made = System.Diagnostics.Process.Start("mkfifo", rig.Root.At("default/a")))
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Null(await rig.ReadAsync("a"));
    }

    public void Dispose() => _outside.Dispose();

    private static async Task DeleteRefusedAsync(FilesRig rig, bool isLast)
    {
        var path = ContainerPath.Parse("a/b/c.txt");
        if (isLast)
            Assert.False(await rig.Containers.DeleteAsync(TenantId.Default, ContainerName.Default, path, null, TestContext.Current.CancellationToken));
        else
            await Assert.ThrowsAsync<StorageException>(async () => await rig.Containers.DeleteAsync(TenantId.Default, ContainerName.Default, path, null, TestContext.Current.CancellationToken));
    }
}
